-- step: 10_tables
-- why: The tables go, with their rows.

drop table public.contact_preferred_principals;

drop table public.contact_organizations;
