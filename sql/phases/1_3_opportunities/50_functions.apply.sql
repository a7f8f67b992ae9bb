-- step: 50_functions
-- why: An opportunity and who takes part in it are written and read in one call, checked, with the caller's rights.

create function public.create_opportunity_with_participants(
    p_customer_organization_id bigint,
    p_name text,
    p_principal_organization_ids bigint[] default null,
    p_distributor_organization_id bigint default null,
    p_contact_ids bigint[] default null,
    p_stage public.opportunity_stage default 'lead',
    p_amount bigint default null,
    p_estimated_close_date date default null,
    p_category text default null,
    p_description text default null,
    p_sales_id bigint default null
)
returns table (opportunity_id bigint, principal_organization_id bigint)
    language plpgsql
    set search_path = ''
as $$
declare
    principals bigint[];
    named bigint;
begin
    perform public.require_living('company', p_customer_organization_id);
    if p_name is null or btrim(p_name) = '' then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = 'p_name is blank',
            hint = 'Give the opportunity a name.';
    end if;
    if p_stage is null then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = 'p_stage is missing',
            hint = 'Leave it out for a lead.';
    end if;
    select array_agg(listed.id order by listed.position)
    into principals
    from (
        select given.id, min(given.position) as position
        from unnest(p_principal_organization_ids) with ordinality as given (id, position)
        group by given.id
    ) as listed;
    foreach named in array coalesce(principals, '{}') loop
        perform public.require_living('principal', named);
    end loop;
    if p_distributor_organization_id is not null then
        perform public.require_living('distributor', p_distributor_organization_id);
    end if;
    if p_customer_organization_id = any (principals || p_distributor_organization_id) then
        raise exception using
            errcode = 'check_violation',
            message = format(
                'company %s cannot be the customer and sell on one opportunity', p_customer_organization_id
            ),
            hint = 'Name another customer, principal or distributor.';
    end if;
    foreach named in array coalesce(p_contact_ids, '{}') loop
        perform public.require_living('contact', named);
    end loop;
    if p_sales_id is not null then
        perform public.require_living('user', p_sales_id);
    end if;

    -- The participants follow by a trigger, whoever enters an opportunity and however.
    foreach named in array coalesce(principals, array[null::bigint]) loop
        insert into public.opportunities (
            name,
            company_id,
            customer_organization_id,
            principal_organization_id,
            distributor_organization_id,
            contact_ids,
            stage,
            amount,
            estimated_close_date,
            expected_closing_date,
            category,
            description,
            sales_id,
            "index"
        )
        values (
            p_name,
            p_customer_organization_id,
            p_customer_organization_id,
            named,
            p_distributor_organization_id,
            array(select unnest(p_contact_ids)),
            p_stage,
            p_amount,
            p_estimated_close_date,
            p_estimated_close_date::timestamp at time zone 'UTC',
            p_category,
            p_description,
            p_sales_id,
            0
        )
        returning id into opportunity_id;
        principal_organization_id := named;
        return next;
    end loop;
end
$$;

comment on function public.create_opportunity_with_participants(
    bigint, text, bigint[], bigint, bigint[], public.opportunity_stage, bigint, date, text, text, bigint
) is
    'Creates one opportunity for each principal, or one where none is given, each with its customer, principal and '
    'distributor as participants and with the whole amount; returns their ids.';

create function public.sync_opportunity_participants(p_opportunity_id bigint, p_participants jsonb default null)
returns table (
    participant_id bigint,
    organization_id bigint,
    organization_name text,
    role text,
    is_primary boolean,
    commission_rate numeric,
    territory text,
    notes text
)
    language plpgsql
    set search_path = ''
as $$
#variable_conflict use_column
-- First who leaves, then who steps back, then the rest: so that at no moment a role has two where it may have one.
declare
    wanted jsonb := p_participants;
    newcomer record;
    trouble text;
begin
    perform public.require_living('opportunity', p_opportunity_id);
    if wanted is null then
        select jsonb_agg(to_jsonb(listed))
        into wanted
        from (
            select
                parts.organization_id,
                parts.role,
                true as is_primary,
                living.commission_rate,
                living.territory,
                living.notes
            from public.opportunities as opportunities
            cross join lateral (
                values
                ('customer', opportunities.customer_organization_id),
                ('principal', opportunities.principal_organization_id),
                ('distributor', opportunities.distributor_organization_id)
            ) as parts (role, organization_id)
            left join public.opportunity_participants as living
                on living.opportunity_id = opportunities.id
                    and living.organization_id = parts.organization_id
                    and living.role = parts.role
                    and living.deleted_at is null
            where opportunities.id = p_opportunity_id and parts.organization_id is not null
            union all
            select
                others.organization_id,
                others.role,
                others.is_primary and others.role <> 'distributor' as is_primary,
                others.commission_rate,
                others.territory,
                others.notes
            from public.opportunity_participants as others
            inner join public.opportunities as opportunities on opportunities.id = others.opportunity_id
            where others.opportunity_id = p_opportunity_id
                and others.deleted_at is null
                and others.role not in ('customer', 'principal')
                and not (
                    others.role = 'distributor'
                    and others.organization_id is not distinct from opportunities.distributor_organization_id
                )
        ) as listed;
        wanted := coalesce(wanted, '[]');
    end if;

    begin
        -- The first of a role stands for it where none is said to.
        select jsonb_agg(to_jsonb(listed) - 'position' order by listed.position)
        into wanted
        from (
            select
                given.position,
                (given.entry ->> 'organization_id')::bigint as organization_id,
                given.entry ->> 'role' as role,
                case
                    when bool_or((given.entry ->> 'is_primary')::boolean) over roles
                        then coalesce((given.entry ->> 'is_primary')::boolean, false)
                    else row_number() over (roles order by given.position) = 1
                end as is_primary,
                (given.entry ->> 'commission_rate')::numeric as commission_rate,
                given.entry ->> 'territory' as territory,
                given.entry ->> 'notes' as notes
            from jsonb_array_elements(wanted) with ordinality as given (entry, position)
            window roles as (partition by given.entry ->> 'role')
        ) as listed;
    exception when data_exception then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = 'p_participants is no list of participants',
            hint = 'Give [{"organization_id": 1, "role": "principal", "is_primary": true, "commission_rate": 0.05}].';
    end;
    wanted := coalesce(wanted, '[]');

    select case
        when bool_or(listed.organization_id is null) then 'a participant lacks its organization_id'
        when bool_or(
            listed.role is null
            or listed.role not in ('customer', 'principal', 'distributor', 'partner', 'competitor')
        ) then 'a role is none of customer, principal, distributor, partner, competitor'
        when bool_or(listed.commission_rate not between 0 and 1) then 'a commission_rate is no share from 0 to 1'
        when count(*) > count(distinct (listed.organization_id, listed.role)) then 'a company has a role twice'
        when count(*) filter (where listed.role = 'customer') > 1 then 'there is more than one customer'
        when count(*) filter (where listed.role = 'principal') > 1 then 'there is more than one principal'
        when count(*) filter (where listed.is_primary)
            > count(distinct listed.role) filter (where listed.is_primary) then 'a role has more than one primary'
    end
    into trouble
    from jsonb_to_recordset(wanted) as listed (
        organization_id bigint, role text, is_primary boolean, commission_rate numeric
    );
    if trouble is not null then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = format('opportunity %s cannot have these participants: %s', p_opportunity_id, trouble),
            hint = 'Correct p_participants.';
    end if;

    for newcomer in
        select listed.organization_id, listed.role
        from jsonb_to_recordset(wanted) as listed (organization_id bigint, role text)
        where not exists (
            select
            from public.opportunity_participants as living
            where living.opportunity_id = p_opportunity_id
                and living.organization_id = listed.organization_id
                and living.role = listed.role
                and living.deleted_at is null
        )
    loop
        perform public.require_living(
            case when newcomer.role in ('principal', 'distributor') then newcomer.role else 'company' end,
            newcomer.organization_id
        );
    end loop;
    select format('company %s cannot be the customer and sell on one opportunity', customers.organization_id)
    into trouble
    from jsonb_to_recordset(wanted) as customers (organization_id bigint, role text)
    inner join jsonb_to_recordset(wanted) as sellers (organization_id bigint, role text)
        on sellers.organization_id = customers.organization_id
    where customers.role = 'customer' and sellers.role in ('principal', 'distributor');
    if found then
        raise exception using
            errcode = 'check_violation',
            message = trouble,
            hint = 'Name another customer, principal or distributor.';
    end if;

    update public.opportunity_participants as participants
    set deleted_at = now(), is_primary = false
    where participants.opportunity_id = p_opportunity_id
        and participants.deleted_at is null
        and not exists (
            select
            from jsonb_to_recordset(wanted) as listed (organization_id bigint, role text)
            where listed.organization_id = participants.organization_id and listed.role = participants.role
        );

    update public.opportunity_participants as participants
    set is_primary = false
    from jsonb_to_recordset(wanted) as listed (organization_id bigint, role text, is_primary boolean)
    where participants.opportunity_id = p_opportunity_id
        and participants.deleted_at is null
        and participants.organization_id = listed.organization_id
        and participants.role = listed.role
        and participants.is_primary
        and not listed.is_primary;

    update public.opportunity_participants as participants
    set
        is_primary = listed.is_primary,
        commission_rate = listed.commission_rate,
        territory = listed.territory,
        notes = listed.notes
    from jsonb_to_recordset(wanted) as listed (
        organization_id bigint, role text, is_primary boolean, commission_rate numeric, territory text, notes text
    )
    where participants.opportunity_id = p_opportunity_id
        and participants.deleted_at is null
        and participants.organization_id = listed.organization_id
        and participants.role = listed.role
        and (participants.is_primary, participants.commission_rate, participants.territory, participants.notes)
        is distinct from (listed.is_primary, listed.commission_rate, listed.territory, listed.notes);

    insert into public.opportunity_participants (
        opportunity_id, organization_id, role, is_primary, commission_rate, territory, notes
    )
    select
        p_opportunity_id,
        listed.organization_id,
        listed.role,
        listed.is_primary,
        listed.commission_rate,
        listed.territory,
        listed.notes
    from jsonb_to_recordset(wanted) as listed (
        organization_id bigint, role text, is_primary boolean, commission_rate numeric, territory text, notes text
    )
    where not exists (
        select
        from public.opportunity_participants as living
        where living.opportunity_id = p_opportunity_id
            and living.organization_id = listed.organization_id
            and living.role = listed.role
            and living.deleted_at is null
    );

    return query
    select
        participants.id,
        participants.organization_id,
        companies.name,
        participants.role,
        participants.is_primary,
        participants.commission_rate,
        participants.territory,
        participants.notes
    from public.opportunity_participants as participants
    left join public.companies as companies on companies.id = participants.organization_id
    where participants.opportunity_id = p_opportunity_id and participants.deleted_at is null
    order by
        array_position(
            array['customer', 'principal', 'distributor', 'partner', 'competitor'], participants.role
        ) asc,
        participants.is_primary desc,
        participants.id asc;
end
$$;

comment on function public.sync_opportunity_participants(bigint, jsonb) is
    'Makes the participants of an opportunity exactly those of a list of objects (organization_id, role, is_primary, '
    'commission_rate, territory, notes), and returns them; the opportunity''s customer, principal and distributor '
    'follow. Without a list the participants follow the opportunity.';

create function public.get_opportunity_with_participants(p_opportunity_id bigint) returns jsonb
    language plpgsql stable
    set search_path = ''
as $$
declare
    answer jsonb;
begin
    perform public.require_living('opportunity', p_opportunity_id);
    select
        to_jsonb(opportunities) - 'search_tsv' - 'deleted_at' || jsonb_build_object(
            'is_deal', opportunities.stage in ('closed_won', 'closed_lost'),
            'customer_deleted', coalesce((
                select companies.deleted_at is not null
                from public.companies as companies
                where companies.id = opportunities.customer_organization_id
            ), false),
            'participants', coalesce((
                select jsonb_agg(
                    jsonb_build_object(
                        'participant_id', participants.id,
                        'organization_id', participants.organization_id,
                        'organization_name', companies.name,
                        'role', participants.role,
                        'is_primary', participants.is_primary,
                        'commission_rate', participants.commission_rate,
                        'territory', participants.territory,
                        'notes', participants.notes
                    )
                    order by
                        array_position(
                            array['customer', 'principal', 'distributor', 'partner', 'competitor'], participants.role
                        ) asc,
                        participants.is_primary desc,
                        participants.id asc
                )
                from public.opportunity_participants as participants
                left join public.companies as companies on companies.id = participants.organization_id
                where participants.opportunity_id = opportunities.id and participants.deleted_at is null
            ), '[]'),
            'products', coalesce((
                select jsonb_agg(
                    to_jsonb(products) - 'opportunity_id' - 'deleted_at' order by products.id asc
                )
                from public.opportunity_products as products
                where products.opportunity_id = opportunities.id and products.deleted_at is null
            ), '[]')
        )
    into answer
    from public.opportunities as opportunities
    where opportunities.id = p_opportunity_id;
    return answer;
end
$$;

comment on function public.get_opportunity_with_participants(bigint) is
    'One opportunity as an object: its columns, is_deal, customer_deleted, its participants and its products.';

select migration.allow_readers('public.create_opportunity_with_participants', 'public.opportunities');

select migration.allow_readers('public.sync_opportunity_participants', 'public.opportunities');

select migration.allow_readers('public.get_opportunity_with_participants', 'public.opportunities');
