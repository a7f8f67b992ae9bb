-- step: 10_tables
-- why: The tables go, with their rows.

drop table public.principal_distributor_relationships;

drop table public.products;
