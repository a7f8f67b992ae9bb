-- step: 60_views
-- why: How much a contact sways and for whom, and who champions a principal, in one row each.

-- What is known of each contact is looked up by index: a page of contacts or those of some name cost that many looks,
-- where a join of groups would make a million of them first.
create view public.contact_influence_profile with (security_invoker = on) as
select
    -- ids
    contacts.id as contact_id,
    contacts.company_id as primary_organization_id,

    -- facts
    contacts.first_name,
    contacts.last_name,
    contacts.title,
    contacts.department,
    organizations.nb_organizations,
    organizations.organization_ids,
    organizations.organization_names,
    organizations.highest_role,
    organizations.purchase_influence,
    organizations.is_primary_decision_maker,
    principals.nb_principals,
    principals.principal_ids,
    principals.principal_names,
    principals.strongest_advocacy,
    principals.average_advocacy,

    -- dates
    principals.last_interaction_date

from public.contacts as contacts

cross join lateral (
    select
        count(*) as nb_organizations,
        coalesce(array_agg(companies.id order by memberships.is_primary_contact desc, companies.id asc), '{}')
            as organization_ids,
        coalesce(array_agg(companies.name order by memberships.is_primary_contact desc, companies.id asc), '{}')
            as organization_names,
        (
            array_agg(
                memberships.role
                order by array_position(
                    '{decision_maker,executive,champion,influencer,buyer,technical,gatekeeper,end_user}',
                    memberships.role
                ) asc nulls last
            )
        )[1] as highest_role,
        coalesce(
            (
                array_agg(
                    memberships.purchase_influence
                    order by array_position('{High,Medium,Low,Unknown}', memberships.purchase_influence) asc
                )
            )[1],
            'Unknown'
        ) as purchase_influence,
        coalesce(bool_or(memberships.is_primary_decision_maker), false) as is_primary_decision_maker
    from public.contact_organizations as memberships
    inner join public.companies as companies
        on companies.id = memberships.organization_id and companies.deleted_at is null
    where memberships.contact_id = contacts.id
        and memberships.deleted_at is null
        and (
            memberships.relationship_end_date is null
            or memberships.relationship_end_date > cast(now() at time zone 'UTC' as date)
        )
) as organizations

cross join lateral (
    select
        count(*) as nb_principals,
        coalesce(array_agg(companies.id order by advocacies.advocacy_strength desc, companies.id asc), '{}')
            as principal_ids,
        coalesce(array_agg(companies.name order by advocacies.advocacy_strength desc, companies.id asc), '{}')
            as principal_names,
        max(advocacies.advocacy_strength) as strongest_advocacy,
        round(avg(advocacies.advocacy_strength), 1) as average_advocacy,
        max(advocacies.last_interaction_date) as last_interaction_date
    from public.contact_preferred_principals as advocacies
    inner join public.companies as companies
        on companies.id = advocacies.principal_organization_id
            and companies.is_principal
            and companies.deleted_at is null
    where advocacies.contact_id = contacts.id and advocacies.deleted_at is null
) as principals

where contacts.deleted_at is null;

comment on view public.contact_influence_profile is
    'One row a living contact: the organisations it belongs to today, the principals it champions, how much it sways.';
comment on column public.contact_influence_profile.primary_organization_id is 'contacts.company_id.';
comment on column public.contact_influence_profile.nb_organizations is
    'How many living organisations the contact belongs to today.';
comment on column public.contact_influence_profile.organization_ids is 'Those organisations, the primary one first.';
comment on column public.contact_influence_profile.organization_names is 'Their names, in the same order.';
comment on column public.contact_influence_profile.highest_role is
    'The highest of its roles there: decision_maker, executive, champion, influencer, buyer, technical, gatekeeper, '
    'end_user.';
comment on column public.contact_influence_profile.purchase_influence is 'The highest of its influences there.';
comment on column public.contact_influence_profile.is_primary_decision_maker is
    'True where it takes the decisions of one of them.';
comment on column public.contact_influence_profile.nb_principals is 'How many living principals the contact champions.';
comment on column public.contact_influence_profile.principal_ids is 'Those principals, the one championed most first.';
comment on column public.contact_influence_profile.principal_names is 'Their names, in the same order.';
comment on column public.contact_influence_profile.strongest_advocacy is 'Its strongest advocacy, 1 to 10.';
comment on column public.contact_influence_profile.average_advocacy is 'The mean of its advocacies, 1 to 10.';
comment on column public.contact_influence_profile.last_interaction_date is
    'Day of its latest interaction for one of them.';

create view public.principal_advocacy_dashboard with (security_invoker = on) as
with

companies as not materialized (

    select id, name, is_principal
    from public.companies
    where deleted_at is null

),

contacts as (

    select id
    from public.contacts
    where deleted_at is null

),

memberships as (

    select contact_id, organization_id
    from public.contact_organizations
    where deleted_at is null
        and (
            relationship_end_date is null or relationship_end_date > cast(now() at time zone 'UTC' as date)
        )

),

advocacies as not materialized (

    select
        advocacies.principal_organization_id,
        advocacies.contact_id,
        advocacies.advocacy_strength,
        advocacies.last_interaction_date
    from public.contact_preferred_principals as advocacies
    inner join contacts on contacts.id = advocacies.contact_id
    where advocacies.deleted_at is null

),

advocates as (

    select
        principal_organization_id,
        count(*) as nb_advocates,
        count(*) filter (where advocacy_strength >= 8) as nb_strong_advocates,
        count(*) filter (where advocacy_strength between 5 and 7) as nb_moderate_advocates,
        count(*) filter (where advocacy_strength <= 4) as nb_weak_advocates,
        round(avg(advocacy_strength), 1) as average_advocacy,
        array_agg(contact_id order by advocacy_strength desc, contact_id asc) as advocate_ids,
        max(last_interaction_date) as last_interaction_date
    from advocacies
    group by principal_organization_id

),

reached as (

    select
        advocacies.principal_organization_id,
        count(distinct companies.id) as nb_organizations_reached
    from advocacies
    inner join memberships on memberships.contact_id = advocacies.contact_id
    inner join companies
        on companies.id = memberships.organization_id and companies.id <> advocacies.principal_organization_id
    group by advocacies.principal_organization_id

)

select
    -- ids
    companies.id as principal_id,

    -- facts
    companies.name as principal_name,
    coalesce(advocates.nb_advocates, 0) as nb_advocates,
    coalesce(advocates.nb_strong_advocates, 0) as nb_strong_advocates,
    coalesce(advocates.nb_moderate_advocates, 0) as nb_moderate_advocates,
    coalesce(advocates.nb_weak_advocates, 0) as nb_weak_advocates,
    advocates.average_advocacy,
    coalesce(advocates.advocate_ids, '{}') as advocate_ids,
    coalesce(reached.nb_organizations_reached, 0) as nb_organizations_reached,

    -- dates
    advocates.last_interaction_date

from companies

left join advocates
    on advocates.principal_organization_id = companies.id

left join reached
    on reached.principal_organization_id = companies.id

where companies.is_principal;

comment on view public.principal_advocacy_dashboard is
    'One row a living principal: its living advocates by strength, and the organisations they reach.';
comment on column public.principal_advocacy_dashboard.nb_advocates is 'How many living contacts champion it.';
comment on column public.principal_advocacy_dashboard.nb_strong_advocates is 'Those with a strength of 8 to 10.';
comment on column public.principal_advocacy_dashboard.nb_moderate_advocates is 'Those with a strength of 5 to 7.';
comment on column public.principal_advocacy_dashboard.nb_weak_advocates is 'Those with a strength of 1 to 4.';
comment on column public.principal_advocacy_dashboard.average_advocacy is 'The mean of the strengths, 1 to 10.';
comment on column public.principal_advocacy_dashboard.advocate_ids is 'Those contacts, the strongest first.';
comment on column public.principal_advocacy_dashboard.nb_organizations_reached is
    'How many other living organisations they belong to today.';
comment on column public.principal_advocacy_dashboard.last_interaction_date is
    'Day of the latest interaction with one of them.';

select migration.deny_others('public.contact_influence_profile');

select migration.deny_others('public.principal_advocacy_dashboard');
