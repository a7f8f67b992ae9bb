-- mend: deals.untrimmed_name
-- sets: name
-- why: Only blanks at both ends go; what stands between them stays.

update public.deals
set name = btrim(name, ' ')
