-- mend: tags.untrimmed_name
-- sets: name
-- why: Only blanks at both ends go; what stands between them stays.

update public.tags
set name = btrim(name, ' ')
