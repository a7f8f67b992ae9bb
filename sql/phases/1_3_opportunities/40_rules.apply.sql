-- step: 40_rules
-- why: Customer, principal and distributor of an opportunity and its participants in these roles are the same facts and
--  follow each other; who takes part as a principal or a distributor is one.

-- The rules run as their owner, as referential actions do: they hold whatever rights the writer has elsewhere.
-- While one side follows, crm.opportunities_follow is on, so that the other does not answer.

create function public.validate_distributor_organization() returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
-- The trigger's argument names the column.
declare
    named constant bigint := (to_jsonb(new) ->> tg_argv[0])::bigint;
begin
    if not exists (
        select from public.companies where id = named and is_distributor and deleted_at is null
    ) then
        raise exception 'company % is not a living distributor', named
        using errcode = 'check_violation', column = tg_argv[0], table = tg_table_name,
            hint = 'Set companies.is_distributor first, or name another company.';
    end if;
    return new;
end
$$;

comment on function public.validate_distributor_organization() is
    'Who is named as a distributor must be a living one.';

create function public.opportunity_follows_participants() returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    if current_setting('crm.opportunities_follow', true) = 'on' then
        return null;
    end if;
    perform set_config('crm.opportunities_follow', 'on', true);
    update public.opportunities as opportunities
    set
        customer_organization_id = found.customer_id,
        principal_organization_id = found.principal_id,
        distributor_organization_id = found.distributor_id
    from (
        select
            touched.opportunity_id,
            max(living.organization_id) filter (where living.role = 'customer') as customer_id,
            max(living.organization_id) filter (where living.role = 'principal') as principal_id,
            max(living.organization_id) filter (
                where living.role = 'distributor' and living.is_primary
            ) as distributor_id
        from (values (old.opportunity_id), (new.opportunity_id)) as touched (opportunity_id)
        left join public.opportunity_participants as living
            on living.opportunity_id = touched.opportunity_id and living.deleted_at is null
        group by touched.opportunity_id
    ) as found
    where opportunities.id = found.opportunity_id
        and (
            opportunities.customer_organization_id is distinct from found.customer_id
            or opportunities.principal_organization_id is distinct from found.principal_id
            or opportunities.distributor_organization_id is distinct from found.distributor_id
        );
    perform set_config('crm.opportunities_follow', '', true);
    return null;
end
$$;

comment on function public.opportunity_follows_participants() is
    'Customer and principal of an opportunity are its participants in these roles, its distributor the primary one.';

create function public.replace_participant(opportunity_id bigint, role text, former_id bigint, present_id bigint,
    created_by bigint) returns void
    language plpgsql
    set search_path = ''
as $$
#variable_conflict use_column
begin
    if former_id is not null
        and not exists (select from public.companies as companies where companies.id = former_id)
    then
        return;  -- the company was given another id, and its participations go with it by their reference
    end if;
    update public.opportunity_participants as participants
    set deleted_at = now(), is_primary = false
    where participants.opportunity_id = replace_participant.opportunity_id
        and participants.role = replace_participant.role
        and participants.deleted_at is null
        and (participants.is_primary or replace_participant.role <> 'distributor')
        and participants.organization_id is distinct from present_id;
    if present_id is not null then
        insert into public.opportunity_participants (opportunity_id, organization_id, role, is_primary, created_by)
        values (
            replace_participant.opportunity_id,
            present_id,
            replace_participant.role,
            true,
            replace_participant.created_by
        )
        on conflict (opportunity_id, organization_id, role) where deleted_at is null do update set is_primary = true;
    end if;
end
$$;

comment on function public.replace_participant(bigint, text, bigint, bigint, bigint) is
    'Puts another organisation into a role of an opportunity; the former one is deleted softly.';

create function public.participants_follow_opportunity() returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    if current_setting('crm.opportunities_follow', true) = 'on' then
        return null;
    end if;
    perform set_config('crm.opportunities_follow', 'on', true);
    if tg_op = 'INSERT' then
        insert into public.opportunity_participants (opportunity_id, organization_id, role, is_primary, created_by)
        select rows_after.id, participants.organization_id, participants.role, true, rows_after.sales_id
        from rows_after
        cross join lateral (
            values
            ('customer', rows_after.customer_organization_id),
            ('principal', rows_after.principal_organization_id),
            ('distributor', rows_after.distributor_organization_id)
        ) as participants (role, organization_id)
        where participants.organization_id is not null;
    else
        if old.customer_organization_id is distinct from new.customer_organization_id then
            perform public.replace_participant(
                new.id, 'customer', old.customer_organization_id, new.customer_organization_id, new.sales_id
            );
        end if;
        if old.principal_organization_id is distinct from new.principal_organization_id then
            perform public.replace_participant(
                new.id, 'principal', old.principal_organization_id, new.principal_organization_id, new.sales_id
            );
        end if;
        if old.distributor_organization_id is distinct from new.distributor_organization_id then
            perform public.replace_participant(
                new.id, 'distributor', old.distributor_organization_id, new.distributor_organization_id, new.sales_id
            );
        end if;
    end if;
    perform set_config('crm.opportunities_follow', '', true);
    return null;
end
$$;

comment on function public.participants_follow_opportunity() is
    'The participants are those in the columns of the opportunity; one that is replaced is deleted softly.';

select migration.deny_callers('public.validate_distributor_organization()');

select migration.deny_callers('public.opportunity_follows_participants()');

select migration.deny_callers('public.replace_participant(bigint, text, bigint, bigint, bigint)');

select migration.deny_callers('public.participants_follow_opportunity()');

create trigger check_principal_organization
before insert on public.opportunity_participants
for each row when (new.role = 'principal' and new.deleted_at is null)
execute function public.validate_principal_organization('organization_id');

create trigger check_principal_organization_on_update
before update on public.opportunity_participants
for each row when (
    new.role = 'principal' and new.deleted_at is null and (
        old.deleted_at is not null
        or old.role <> 'principal'
        or old.organization_id is distinct from new.organization_id
    )
) execute function public.validate_principal_organization('organization_id');

create trigger check_distributor_organization
before insert on public.opportunity_participants
for each row when (new.role = 'distributor' and new.deleted_at is null)
execute function public.validate_distributor_organization('organization_id');

create trigger check_distributor_organization_on_update
before update on public.opportunity_participants
for each row when (
    new.role = 'distributor' and new.deleted_at is null and (
        old.deleted_at is not null
        or old.role <> 'distributor'
        or old.organization_id is distinct from new.organization_id
    )
) execute function public.validate_distributor_organization('organization_id');

create trigger opportunity_participants_touch_updated_at
before update on public.opportunity_participants
for each row execute function public.touch_updated_at();

create trigger opportunity_products_touch_updated_at
before update on public.opportunity_products
for each row execute function public.touch_updated_at();

create trigger opportunity_participants_follow_on_insert
after insert on public.opportunity_participants
for each row when (new.role in ('customer', 'principal', 'distributor') and new.deleted_at is null)
execute function public.opportunity_follows_participants();

create trigger opportunity_participants_follow_on_update
after update on public.opportunity_participants
for each row when (
    old.opportunity_id is distinct from new.opportunity_id
    or old.organization_id is distinct from new.organization_id
    or old.role is distinct from new.role
    or old.is_primary is distinct from new.is_primary
    or old.deleted_at is distinct from new.deleted_at
) execute function public.opportunity_follows_participants();

create trigger opportunity_participants_follow_on_delete
after delete on public.opportunity_participants
for each row when (old.role in ('customer', 'principal', 'distributor') and old.deleted_at is null)
execute function public.opportunity_follows_participants();

create trigger opportunities_tell_participants_on_insert
after insert on public.opportunities
referencing new table as rows_after
for each statement execute function public.participants_follow_opportunity();

create trigger opportunities_tell_participants_on_update
after update on public.opportunities
for each row when (
    old.customer_organization_id is distinct from new.customer_organization_id
    or old.principal_organization_id is distinct from new.principal_organization_id
    or old.distributor_organization_id is distinct from new.distributor_organization_id
) execute function public.participants_follow_opportunity();
