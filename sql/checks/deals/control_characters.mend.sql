-- mend: deals.control_characters
-- sets: name, category, description
-- why: Nobody sees these characters; tabs and line breaks stay.

update public.deals
set
    name = regexp_replace(name, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]', '', 'g'),
    category = regexp_replace(category, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]', '', 'g'),
    description = regexp_replace(description, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]', '', 'g')
