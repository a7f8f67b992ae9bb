-- step: 40_rules
-- why: Customer, principal and distributor of an opportunity and its participants in these roles are the same facts and
--  follow each other; who takes part as a principal or a distributor is one.

-- The rules run as their owner, as referential actions do: they hold whatever rights the writer has elsewhere. Each
-- looks at what is there now and changes what differs, so it comes to rest by itself. Those that write into tables that
-- have a customer's triggers keep public in the search_path for them.

create function public.validate_distributor_organization() returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
-- The trigger's argument names the column.
declare
    named constant bigint := (to_jsonb(new) ->> tg_argv[0])::bigint;
begin
    perform from public.companies where id = named and is_distributor and deleted_at is null for share;
    if not found then
        raise exception 'company % is not a living distributor', named
        using errcode = 'check_violation', column = tg_argv[0], table = tg_table_name,
            hint = 'Set companies.is_distributor first, or name another company.';
    end if;
    return new;
end
$$;

comment on function public.validate_distributor_organization() is
    'Who is named as a distributor must be a living one.';

create function public.participant_follows(opportunity bigint, in_role text) returns void
    language plpgsql
    set search_path = public, extensions, pg_temp
as $$
declare
    named bigint;
    author bigint;
    former record;
begin
    select
        case in_role
            when 'customer' then opportunities.customer_organization_id
            when 'principal' then opportunities.principal_organization_id
            else opportunities.distributor_organization_id
        end,
        opportunities.sales_id
    into named, author
    from public.opportunities as opportunities
    where opportunities.id = opportunity;
    if not found then
        return;
    end if;

    select
        participants.id,
        participants.organization_id,
        coalesce(participants.commission_rate::text, participants.territory, participants.notes) is null as is_plain
    into former
    from public.opportunity_participants as participants
    where participants.opportunity_id = opportunity and participants.role = in_role
        and participants.deleted_at is null and (participants.is_primary or in_role <> 'distributor');
    if found and former.organization_id is not distinct from named then
        return;
    end if;
    if former.id is not null then
        if not exists (select from public.companies where companies.id = former.organization_id) then
            return;  -- given another id or being deleted: its participations go along by their reference
        end if;
        if former.is_plain and named is not null and not exists (
            select from public.opportunity_participants as participants
            where participants.opportunity_id = opportunity and participants.role = in_role
                and participants.organization_id = named and participants.deleted_at is null
        ) then
            update public.opportunity_participants set organization_id = named where id = former.id;
            return;
        end if;
        -- What somebody entered about the former one is kept.
        update public.opportunity_participants set deleted_at = now(), is_primary = false where id = former.id;
    end if;
    if named is not null then
        insert into public.opportunity_participants as participants (
            opportunity_id, organization_id, role, is_primary, created_by
        )
        values (opportunity, named, in_role, true, author)
        on conflict (opportunity_id, organization_id, role) where deleted_at is null
        do update set is_primary = true where not participants.is_primary;
    end if;
end
$$;

comment on function public.participant_follows(bigint, text) is
    'The participant in a role is the one that the opportunity names; a replaced one with facts of its own is kept.';

create function public.opportunity_names(opportunity bigint, in_role text, ended bigint) returns void
    language plpgsql
    set search_path = public, extensions, pg_temp
as $$
declare
    named bigint;
    present bigint;
begin
    -- Where nothing differs nothing is locked; where something does, it is looked at again behind the lock.
    for locked in 0..1 loop
        if locked = 1 then
            perform from public.opportunities where id = opportunity for no key update;
        end if;
        select case in_role
            when 'customer' then opportunities.customer_organization_id
            when 'principal' then opportunities.principal_organization_id
            else opportunities.distributor_organization_id
        end
        into named
        from public.opportunities as opportunities
        where opportunities.id = opportunity;
        if not found then
            return;
        end if;
        select participants.organization_id into present
        from public.opportunity_participants as participants
        where participants.opportunity_id = opportunity and participants.role = in_role
            and participants.deleted_at is null and (participants.is_primary or in_role <> 'distributor');
        if present is not distinct from named then
            return;
        end if;
    end loop;
    if present is null and named is distinct from ended then
        perform public.participant_follows(opportunity, in_role);  -- the opportunity has moved on meanwhile
    elsif in_role = 'customer' then
        update public.opportunities set customer_organization_id = present where id = opportunity;
    elsif in_role = 'principal' then
        update public.opportunities set principal_organization_id = present where id = opportunity;
    else
        update public.opportunities set distributor_organization_id = present where id = opportunity;
    end if;
end
$$;

comment on function public.opportunity_names(bigint, text, bigint) is
    'Customer and principal of an opportunity are its participants in these roles, its distributor the primary one.';

create function public.opportunity_follows_participants() returns trigger
    language plpgsql
    security definer
    set search_path = public, extensions, pg_temp
as $$
begin
    -- Of several distributors the primary one speaks.
    if tg_op <> 'INSERT' and old.deleted_at is null
        and (old.role in ('customer', 'principal') or (old.role = 'distributor' and old.is_primary))
    then
        perform public.opportunity_names(old.opportunity_id, old.role, old.organization_id);
    end if;
    if tg_op <> 'DELETE' and new.deleted_at is null
        and (new.role in ('customer', 'principal') or (new.role = 'distributor' and new.is_primary))
    then
        perform public.opportunity_names(new.opportunity_id, new.role, null);
    end if;
    return null;
end
$$;

comment on function public.opportunity_follows_participants() is 'An opportunity follows its participants.';

create function public.participants_follow_opportunity() returns trigger
    language plpgsql
    security definer
    set search_path = public, extensions, pg_temp
as $$
begin
    if tg_level = 'ROW' then
        if old.customer_organization_id is distinct from new.customer_organization_id then
            perform public.participant_follows(new.id, 'customer');
        end if;
        if old.principal_organization_id is distinct from new.principal_organization_id then
            perform public.participant_follows(new.id, 'principal');
        end if;
        if old.distributor_organization_id is distinct from new.distributor_organization_id then
            perform public.participant_follows(new.id, 'distributor');
        end if;
        return null;
    end if;
    -- Planned anew each time, since one row and a hundred thousand want different plans. What a customer's own trigger
    -- made of the rows meanwhile stands in the table.
    execute $insert$
        insert into public.opportunity_participants (opportunity_id, organization_id, role, is_primary, created_by)
        select opportunities.id, named.organization_id, named.role, true, opportunities.sales_id
        from rows_after
        inner join public.opportunities as opportunities on opportunities.id = rows_after.id
        cross join lateral (
            values
            ('customer', opportunities.customer_organization_id),
            ('principal', opportunities.principal_organization_id),
            ('distributor', opportunities.distributor_organization_id)
        ) as named (role, organization_id)
        where named.organization_id is not null
            and not exists (
                select from public.opportunity_participants as participants
                where participants.opportunity_id = opportunities.id
                    and participants.role = named.role
                    and participants.deleted_at is null
            )
    $insert$;
    return null;
end
$$;

comment on function public.participants_follow_opportunity() is 'The participants follow what an opportunity names.';

select migration.deny_callers('public.validate_distributor_organization()');

select migration.deny_callers('public.opportunity_follows_participants()');

select migration.deny_callers('public.participant_follows(bigint, text)');

select migration.deny_callers('public.opportunity_names(bigint, text, bigint)');

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
