-- mend: companies.untrimmed_name
-- sets: name
-- why: Only blanks at both ends go; what stands between them stays.

update public.companies
set name = btrim(name, ' ')
