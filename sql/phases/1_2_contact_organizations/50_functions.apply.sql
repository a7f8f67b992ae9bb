-- step: 50_functions
-- why: What an application does with memberships and advocacy in one call, checked beforehand, with the caller's
--  rights.

-- All functions of the plan check their arguments alike. SQLSTATE 22023: an argument is missing or no such word;
-- P0002: nothing living has this id, as far as the caller may see; 23514: a company lacks the role; 23505: it is there.

create function public.require_living(p_kind text, p_id bigint) returns void
    language plpgsql stable
    set search_path = ''
as $$
begin
    if p_id is null then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = format('the %s is missing', p_kind),
            hint = format('Give the id of a %s.', p_kind);
    end if;
    case p_kind
        when 'contact' then
            perform from public.contacts where id = p_id and deleted_at is null;
        when 'opportunity' then
            perform from public.opportunities where id = p_id and deleted_at is null;
        when 'activity' then
            perform from public.activities where id = p_id and deleted_at is null;
        when 'user' then
            perform from public.sales where id = p_id;
        when 'company', 'principal', 'distributor' then
            perform from public.companies where id = p_id and deleted_at is null;
    end case;
    if not found then
        raise exception using
            errcode = 'no_data_found',
            message = format('%s %s does not exist, was deleted, or is not yours to see', p_kind, p_id),
            hint = 'Look the id up again.';
    end if;
    if p_kind = 'principal' then
        perform from public.companies where id = p_id and is_principal;
    elsif p_kind = 'distributor' then
        perform from public.companies where id = p_id and is_distributor;
    end if;
    if not found then
        raise exception using
            errcode = 'check_violation',
            message = format('company %s is not a living %s', p_id, p_kind),
            hint = format('Set companies.is_%s first, or name another company.', p_kind);
    end if;
end
$$;

comment on function public.require_living(text, bigint) is
    'Raises unless a living contact, company, principal, distributor, opportunity, activity or a user has this id.';

create function public.require_word(p_argument text, p_value text, p_words text[]) returns void
    language plpgsql immutable
    set search_path = ''
as $$
begin
    if p_value <> all (p_words) then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = format('%s is none of the words it may be', p_argument),
            hint = format('Give one of: %s.', array_to_string(p_words, ', '));
    end if;
end
$$;

comment on function public.require_word(text, text, text[]) is
    'Raises unless an argument is null or one of the words it may be.';

create function public.get_contact_organizations(p_contact_id bigint)
returns table (
    membership_id bigint,
    organization_id bigint,
    organization_name text,
    organization_type public.organization_type,
    is_primary_contact boolean,
    is_primary_decision_maker boolean,
    role public.contact_role,
    purchase_influence text,
    decision_authority text,
    relationship_start_date date,
    relationship_end_date date,
    notes text
)
    language plpgsql stable
    set search_path = ''
as $$
declare
    today constant date := cast(now() at time zone 'UTC' as date);
begin
    perform public.require_living('contact', p_contact_id);
    return query
    select
        memberships.id,
        companies.id,
        companies.name,
        companies.organization_type,
        memberships.is_primary_contact,
        memberships.is_primary_decision_maker,
        memberships.role,
        memberships.purchase_influence,
        memberships.decision_authority,
        memberships.relationship_start_date,
        memberships.relationship_end_date,
        memberships.notes
    from public.contact_organizations as memberships
    inner join public.companies as companies on companies.id = memberships.organization_id
    where memberships.contact_id = p_contact_id
        and memberships.deleted_at is null
        and companies.deleted_at is null
        and (memberships.relationship_end_date is null or memberships.relationship_end_date > today)
    order by memberships.is_primary_contact desc, companies.name asc, companies.id asc;
end
$$;

comment on function public.get_contact_organizations(bigint) is
    'The organisations that a contact belongs to today, its primary one first.';

create function public.get_organization_contacts(p_organization_id bigint)
returns table (
    membership_id bigint,
    contact_id bigint,
    first_name text,
    last_name text,
    title text,
    department text,
    is_primary_contact boolean,
    is_primary_decision_maker boolean,
    role public.contact_role,
    purchase_influence text,
    decision_authority text,
    relationship_start_date date,
    relationship_end_date date,
    notes text
)
    language plpgsql stable
    set search_path = ''
as $$
declare
    today constant date := cast(now() at time zone 'UTC' as date);
begin
    perform public.require_living('company', p_organization_id);
    return query
    select
        memberships.id,
        contacts.id,
        contacts.first_name,
        contacts.last_name,
        contacts.title,
        contacts.department,
        memberships.is_primary_contact,
        memberships.is_primary_decision_maker,
        memberships.role,
        memberships.purchase_influence,
        memberships.decision_authority,
        memberships.relationship_start_date,
        memberships.relationship_end_date,
        memberships.notes
    from public.contact_organizations as memberships
    inner join public.contacts as contacts on contacts.id = memberships.contact_id
    where memberships.organization_id = p_organization_id
        and memberships.deleted_at is null
        and contacts.deleted_at is null
        and (memberships.relationship_end_date is null or memberships.relationship_end_date > today)
    order by
        memberships.is_primary_decision_maker desc,
        contacts.last_name asc,
        contacts.first_name asc,
        contacts.id asc;
end
$$;

comment on function public.get_organization_contacts(bigint) is
    'The contacts who belong to an organisation today, those who decide first.';

create function public.add_contact_to_organization(
    p_contact_id bigint,
    p_organization_id bigint,
    p_role public.contact_role default null,
    p_is_primary boolean default null,
    p_is_primary_decision_maker boolean default false,
    p_purchase_influence text default 'Unknown',
    p_decision_authority text default null,
    p_relationship_start_date date default cast(now() at time zone 'UTC' as date),
    p_notes text default null,
    p_created_by bigint default null
)
returns bigint
    language plpgsql
    set search_path = ''
as $$
declare
    today constant date := cast(now() at time zone 'UTC' as date);
    known record;
    membership_id bigint;
begin
    perform public.require_living('contact', p_contact_id);
    perform public.require_living('company', p_organization_id);
    perform public.require_word(
        'p_purchase_influence', p_purchase_influence, array['High', 'Medium', 'Low', 'Unknown']
    );
    perform public.require_word(
        'p_decision_authority', p_decision_authority, array['Decision Maker', 'Influencer', 'End User', 'Gatekeeper']
    );
    if p_created_by is not null then
        perform public.require_living('user', p_created_by);
    end if;

    select memberships.id, memberships.relationship_end_date <= today as has_ended
    into known
    from public.contact_organizations as memberships
    where memberships.contact_id = p_contact_id
        and memberships.organization_id = p_organization_id
        and memberships.deleted_at is null;
    if found and known.has_ended is not true then
        raise exception using
            errcode = 'unique_violation',
            message = format('contact %s belongs to company %s already', p_contact_id, p_organization_id),
            hint = format('Change row %s of contact_organizations.', known.id);
    elsif found then
        -- Who comes back keeps the one living row of the pair.
        update public.contact_organizations as memberships
        set
            relationship_start_date = p_relationship_start_date,
            relationship_end_date = null,
            role = p_role,
            is_primary_decision_maker = coalesce(p_is_primary_decision_maker, false),
            purchase_influence = coalesce(p_purchase_influence, 'Unknown'),
            decision_authority = p_decision_authority,
            notes = coalesce(p_notes, memberships.notes),
            is_primary_contact = coalesce(
                p_is_primary,
                (select contacts.company_id is null from public.contacts as contacts where contacts.id = p_contact_id)
            )
        where memberships.id = known.id
        returning memberships.id into membership_id;
    else
        insert into public.contact_organizations (
            contact_id,
            organization_id,
            is_primary_contact,
            is_primary_decision_maker,
            role,
            purchase_influence,
            decision_authority,
            relationship_start_date,
            notes,
            created_by
        )
        select
            contacts.id,
            p_organization_id,
            coalesce(p_is_primary, contacts.company_id is null),
            coalesce(p_is_primary_decision_maker, false),
            p_role,
            coalesce(p_purchase_influence, 'Unknown'),
            p_decision_authority,
            p_relationship_start_date,
            p_notes,
            p_created_by
        from public.contacts as contacts
        where contacts.id = p_contact_id
        returning id into membership_id;
    end if;
    if membership_id is null then
        raise exception using
            errcode = 'insufficient_privilege',
            message = format('row %s of contact_organizations is not yours to change', known.id),
            hint = 'Row-level security forbids it.';
    end if;
    return membership_id;
end
$$;

comment on function public.add_contact_to_organization(
    bigint, bigint, public.contact_role, boolean, boolean, text, text, date, text, bigint
) is
    'Lets a contact belong to an organisation and returns the id of the membership. It becomes the primary one where '
    'p_is_primary says so, or says nothing and the contact has none. A membership that has ended begins anew.';

create function public.add_principal_advocacy(
    p_contact_id bigint,
    p_principal_organization_id bigint,
    p_advocacy_strength integer default 5,
    p_advocacy_notes text default null,
    p_relationship_type text default null,
    p_purchase_influence_for_principal text default null,
    p_created_by bigint default null
)
returns bigint
    language plpgsql
    set search_path = ''
as $$
declare
    advocacy_id bigint;
begin
    perform public.require_living('contact', p_contact_id);
    perform public.require_living('principal', p_principal_organization_id);
    if p_advocacy_strength is null or p_advocacy_strength not between 1 and 10 then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = 'p_advocacy_strength is no number from 1 to 10',
            hint = 'Give 1 for the weakest, 10 for the strongest advocate.';
    end if;
    perform public.require_word(
        'p_relationship_type', p_relationship_type, array['professional', 'personal', 'historical', 'competitive']
    );
    perform public.require_word(
        'p_purchase_influence_for_principal',
        p_purchase_influence_for_principal,
        array['High', 'Medium', 'Low', 'Unknown']
    );
    if p_created_by is not null then
        perform public.require_living('user', p_created_by);
    end if;

    select advocacies.id
    into advocacy_id
    from public.contact_preferred_principals as advocacies
    where advocacies.contact_id = p_contact_id
        and advocacies.principal_organization_id = p_principal_organization_id
        and advocacies.deleted_at is null;
    if found then
        raise exception using
            errcode = 'unique_violation',
            message = format('contact %s champions company %s already', p_contact_id, p_principal_organization_id),
            hint = format('Change row %s of contact_preferred_principals.', advocacy_id);
    end if;

    insert into public.contact_preferred_principals (
        contact_id,
        principal_organization_id,
        advocacy_strength,
        advocacy_notes,
        relationship_type,
        purchase_influence_for_principal,
        created_by
    )
    values (
        p_contact_id,
        p_principal_organization_id,
        p_advocacy_strength,
        p_advocacy_notes,
        p_relationship_type,
        p_purchase_influence_for_principal,
        p_created_by
    )
    returning id into advocacy_id;
    return advocacy_id;
end
$$;

comment on function public.add_principal_advocacy(bigint, bigint, integer, text, text, text, bigint) is
    'Notes that a contact champions a principal, from 1 to 10, and returns the id of the advocacy.';

create function public.soft_delete_company(p_company_id bigint) returns jsonb
    language plpgsql
    set search_path = ''
as $$
declare
    gone_at timestamptz;
    gone jsonb;
begin
    perform public.require_living('company', p_company_id);
    select jsonb_build_object(
        'company_id', p_company_id,
        'contacts', (
            select count(*) from public.contacts where company_id = p_company_id and deleted_at is null
        ),
        'memberships', (
            select count(*)
            from public.contact_organizations as memberships
            where memberships.deleted_at is null
                and (
                    memberships.organization_id = p_company_id
                    or memberships.contact_id in (
                        select contacts.id from public.contacts as contacts where contacts.company_id = p_company_id
                    )
                )
        ),
        'opportunities', (
            select count(*)
            from public.opportunities
            where customer_organization_id = p_company_id and deleted_at is null
        )
    )
    into gone;
    -- Contacts and memberships follow by a trigger, whoever deletes and however.
    update public.companies
    set deleted_at = now()
    where id = p_company_id and deleted_at is null
    returning deleted_at into gone_at;
    if gone_at is null then
        raise exception using
            errcode = 'insufficient_privilege',
            message = format('company %s is not yours to delete', p_company_id),
            hint = 'Row-level security forbids it.';
    end if;
    return gone || jsonb_build_object('deleted_at', gone_at);
end
$$;

comment on function public.soft_delete_company(bigint) is
    'Deletes a company softly, with its contacts and their memberships; returns how many went along, and how many '
    'opportunities stay, flagged.';

select migration.allow_readers(
    'public.require_living', 'public.contacts', 'public.companies', 'public.opportunities', 'public.tasks'
);

select migration.allow_readers(
    'public.require_word', 'public.contacts', 'public.companies', 'public.opportunities', 'public.tasks'
);

select migration.allow_readers('public.get_contact_organizations', 'public.contacts');

select migration.allow_readers('public.get_organization_contacts', 'public.contacts');

select migration.allow_readers('public.add_contact_to_organization', 'public.contacts');

select migration.allow_readers('public.add_principal_advocacy', 'public.contacts');

select migration.allow_readers('public.soft_delete_company', 'public.companies');
