-- step: 60_views
-- why: The views go, the last one first.

drop view public.opportunities_with_participants;
