-- step: 40_rules
-- why: The founding interaction of an opportunity is the first on it, whoever enters it and however.

create function public.opportunity_follows_interactions() returns trigger
    language plpgsql
    security definer  -- as referential actions do: whoever may enter an interaction founds an opportunity with it
    set search_path = ''
as $$
begin
    update public.opportunities as opportunities
    set founding_interaction_id = found.first_id
    from (
        select
            touched.opportunity_id,
            (
                select activities.id from public.activities as activities
                where activities.opportunity_id = touched.opportunity_id and activities.deleted_at is null
                order by activities.activity_date asc nulls last, activities.id asc
                limit 1
            ) as first_id
        from (values (old.opportunity_id), (new.opportunity_id)) as touched (opportunity_id)
    ) as found
    where opportunities.id = found.opportunity_id
        and opportunities.founding_interaction_id is distinct from found.first_id
        -- Once founded it stays so, as long as that interaction is one of this opportunity.
        and not exists (
            select from public.activities as activities
            where activities.id = opportunities.founding_interaction_id
                and activities.opportunity_id = opportunities.id
                and activities.deleted_at is null
        );
    return null;
end
$$;

comment on function public.opportunity_follows_interactions() is
    'Sets the founding interaction of an opportunity that has none: the first living one.';

select migration.deny_callers('public.opportunity_follows_interactions()');

create trigger activities_found_on_insert
after insert on public.activities
for each row when (new.opportunity_id is not null and new.deleted_at is null)
execute function public.opportunity_follows_interactions();

create trigger activities_found_on_update
after update on public.activities
for each row when (
    old.opportunity_id is distinct from new.opportunity_id or old.deleted_at is distinct from new.deleted_at
) execute function public.opportunity_follows_interactions();

create trigger activities_touch_updated_at
before update on public.activities
for each row execute function public.touch_updated_at();

create trigger interaction_participants_touch_updated_at
before update on public.interaction_participants
for each row execute function public.touch_updated_at();
