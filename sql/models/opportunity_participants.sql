-- model: opportunity_participants
-- target: public.opportunity_participants
-- mode: insert
-- driver: public.opportunities.id
-- key: opportunity_id, role
-- rows: more
-- why: The customer of an opportunity, and its principal and distributor where known, take part in their roles.

with

opportunities as (

    select
        id,
        customer_organization_id,
        principal_organization_id,
        distributor_organization_id,
        sales_id
    from public.opportunities

)

select
    -- ids
    opportunities.id as opportunity_id,
    participants.organization_id,
    opportunities.sales_id as created_by,

    -- facts
    participants.role,
    true as is_primary

from opportunities

cross join lateral (
    values
    ('customer', opportunities.customer_organization_id),
    ('principal', opportunities.principal_organization_id),
    ('distributor', opportunities.distributor_organization_id)
) as participants (role, organization_id)

where participants.organization_id is not null
