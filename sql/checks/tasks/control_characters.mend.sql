-- mend: tasks.control_characters
-- sets: type, text
-- why: Nobody sees these characters; tabs and line breaks stay.

update public.tasks
set
    type = regexp_replace(type, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]', '', 'g'),
    text = regexp_replace(text, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]', '', 'g')
