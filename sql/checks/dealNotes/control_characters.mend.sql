-- mend: dealNotes.control_characters
-- sets: text
-- why: Nobody sees these characters; tabs and line breaks stay.

update public."dealNotes"
set text = regexp_replace(text, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]', '', 'g')
