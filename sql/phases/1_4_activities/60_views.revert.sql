-- step: 60_views
-- why: The views go, the last one first.

drop view public.contact_engagement_summary;

drop view public.interaction_analytics;

drop view public.engagement_analytics;
