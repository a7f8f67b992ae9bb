-- mend: contacts.control_characters
-- sets: first_name, last_name, title, background
-- why: Nobody sees these characters; tabs and line breaks stay.

update public.contacts
set
    first_name = regexp_replace(first_name, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]', '', 'g'),
    last_name = regexp_replace(last_name, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]', '', 'g'),
    title = regexp_replace(title, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]', '', 'g'),
    background = regexp_replace(background, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]', '', 'g')
