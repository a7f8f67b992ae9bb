-- mend: contacts.untrimmed_name
-- sets: first_name, last_name
-- why: Only blanks at both ends go; what stands between them stays.

update public.contacts
set
    first_name = btrim(first_name, ' '),
    last_name = btrim(last_name, ' ')
