-- step: 40_rules
-- why: Opportunities and participants go their own ways again.

drop trigger opportunities_tell_participants_on_update on public.opportunities;

drop trigger opportunities_tell_participants_on_insert on public.opportunities;

drop trigger opportunity_participants_follow_on_delete on public.opportunity_participants;

drop trigger opportunity_participants_follow_on_update on public.opportunity_participants;

drop trigger opportunity_participants_follow_on_insert on public.opportunity_participants;

drop trigger opportunity_products_touch_updated_at on public.opportunity_products;

drop trigger opportunity_participants_touch_updated_at on public.opportunity_participants;

drop trigger check_distributor_organization_on_update on public.opportunity_participants;

drop trigger check_distributor_organization on public.opportunity_participants;

drop trigger check_principal_organization_on_update on public.opportunity_participants;

drop trigger check_principal_organization on public.opportunity_participants;

drop function public.participants_follow_opportunity();

drop function public.opportunity_follows_participants();

drop function public.opportunity_names(bigint, text, bigint);

drop function public.participant_follows(bigint, text);

drop function public.validate_distributor_organization();
