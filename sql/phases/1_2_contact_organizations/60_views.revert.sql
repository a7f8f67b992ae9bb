-- step: 60_views
-- why: The views go, the last one first.

drop view public.principal_advocacy_dashboard;

drop view public.contact_influence_profile;
