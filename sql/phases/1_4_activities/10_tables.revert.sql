-- step: 10_tables
-- why: The tables go, with their rows.

drop table public.interaction_participants;

drop table public.activities;
