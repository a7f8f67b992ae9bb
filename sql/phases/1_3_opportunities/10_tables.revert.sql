-- step: 10_tables
-- why: The tables go, with their rows.

drop table public.opportunity_products;

drop table public.opportunity_participants;
