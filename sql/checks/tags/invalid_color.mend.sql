-- mend: tags.invalid_color
-- sets: color
-- why: The color is one of the list, but for capitals and blanks.

update public.tags
set color = lower(btrim(color, ' '))
where lower(btrim(color, ' ')) in ('warm', 'green', 'teal', 'blue', 'purple', 'yellow', 'gray', 'pink')
