-- step: 40_rules
-- why: Interactions found nothing any more.

drop trigger interaction_participants_touch_updated_at on public.interaction_participants;

drop trigger activities_touch_updated_at on public.activities;

drop trigger activities_found_on_update on public.activities;

drop trigger activities_found_on_insert on public.activities;

drop function public.opportunity_follows_interactions();

drop function public.found_opportunity(bigint);
