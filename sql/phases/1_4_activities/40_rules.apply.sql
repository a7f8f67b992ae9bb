-- step: 40_rules
-- why: The founding interaction of an opportunity is the first on it, whoever enters it and however.

create function public.found_opportunity(opportunity bigint) returns void
    language plpgsql
    set search_path = public, extensions, pg_temp  -- a customer's triggers on deals fire from here
as $$
declare
    founding bigint;
begin
    -- Founded once, it stays so as long as that interaction is one of its own; looked at again behind the lock.
    for locked in 0..1 loop
        if locked = 1 then
            perform from public.opportunities where id = opportunity for no key update;
        end if;
        select opportunities.founding_interaction_id into founding
        from public.opportunities as opportunities
        where opportunities.id = opportunity;
        if not found or exists (
            select from public.activities as activities
            where activities.id = founding and activities.opportunity_id = opportunity
                and activities.deleted_at is null
        ) then
            return;
        end if;
    end loop;
    update public.opportunities as opportunities
    set founding_interaction_id = (
        select activities.id from public.activities as activities
        where activities.opportunity_id = opportunity and activities.deleted_at is null
        order by activities.activity_date asc nulls last, activities.id asc
        limit 1
    )
    where opportunities.id = opportunity;
end
$$;

comment on function public.found_opportunity(bigint) is
    'Sets the founding interaction of an opportunity that has none: the first living one.';

create function public.opportunity_follows_interactions() returns trigger
    language plpgsql
    security definer  -- as referential actions do: whoever may enter an interaction founds an opportunity with it
    set search_path = public, extensions, pg_temp
as $$
begin
    if tg_op = 'UPDATE' and old.opportunity_id is not null and old.deleted_at is null then
        perform public.found_opportunity(old.opportunity_id);
    end if;
    if new.opportunity_id is not null and new.deleted_at is null then
        perform public.found_opportunity(new.opportunity_id);
    end if;
    return null;
end
$$;

comment on function public.opportunity_follows_interactions() is
    'An opportunity is founded by the first interaction on it.';

select migration.deny_callers('public.found_opportunity(bigint)');

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
