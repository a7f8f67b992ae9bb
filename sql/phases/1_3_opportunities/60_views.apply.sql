-- step: 60_views
-- why: A list of opportunities with everybody who takes part in each.

create view public.opportunities_with_participants with (security_invoker = on) as
select
    -- ids
    opportunities.id as opportunity_id,
    opportunities.customer_organization_id,
    opportunities.principal_organization_id,
    opportunities.distributor_organization_id,
    opportunities.sales_id,

    -- facts
    opportunities.name,
    opportunities.stage,
    opportunities.status,
    opportunities.priority,
    opportunities.probability,
    opportunities.amount,
    opportunities.stage in ('closed_won', 'closed_lost') as is_deal,
    customers.name as customer_organization_name,
    principals.name as principal_organization_name,
    distributors.name as distributor_organization_name,
    coalesce(customers.deleted_at is not null, false) as customer_deleted,
    participants.nb_participants,
    participants.participants,

    -- dates
    opportunities.estimated_close_date,
    opportunities.actual_close_date

from public.opportunities as opportunities

left join public.companies as customers
    on customers.id = opportunities.customer_organization_id

left join public.companies as principals
    on principals.id = opportunities.principal_organization_id

left join public.companies as distributors
    on distributors.id = opportunities.distributor_organization_id

cross join lateral (
    select
        count(*) as nb_participants,
        coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'organization_id', participants.organization_id,
                    'organization_name', companies.name,
                    'role', participants.role,
                    'is_primary', participants.is_primary,
                    'commission_rate', participants.commission_rate,
                    'territory', participants.territory
                )
                order by participants.id asc
            ),
            '[]'
        ) as participants
    from public.opportunity_participants as participants
    left join public.companies as companies on companies.id = participants.organization_id
    where participants.opportunity_id = opportunities.id and participants.deleted_at is null
) as participants

where opportunities.deleted_at is null;

comment on view public.opportunities_with_participants is
    'One row a living opportunity, with the organisations that take part in it.';
comment on column public.opportunities_with_participants.is_deal is 'True where it is won or lost.';
comment on column public.opportunities_with_participants.customer_deleted is
    'True where the customer was deleted softly; its opportunities stay.';
comment on column public.opportunities_with_participants.nb_participants is 'How many participations are living.';
comment on column public.opportunities_with_participants.participants is
    'List of objects: organization_id, organization_name, role, is_primary, commission_rate, territory.';

select migration.deny_others('public.opportunities_with_participants');
