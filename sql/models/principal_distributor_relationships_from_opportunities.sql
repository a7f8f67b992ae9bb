-- model: principal_distributor_relationships_from_opportunities
-- target: public.principal_distributor_relationships
-- mode: insert
-- driver: public.companies.id
-- key: principal_id, distributor_id, relationship_status
-- rows: more
-- why: A principal and a distributor that meet on an opportunity work together, unless relationships.csv tells of them.

with

companies as (

    select id, sales_id from public.companies

),

opportunities as (

    select principal_organization_id, distributor_organization_id
    from public.opportunities
    where principal_organization_id is not null and distributor_organization_id is not null

),

relationships as (

    select principal_id, distributor_id from migration.relationships

),

pairs as (

    select distinct principal_organization_id as principal_id, distributor_organization_id as distributor_id
    from opportunities

)

select
    -- ids
    companies.id as principal_id,
    pairs.distributor_id,
    companies.sales_id as created_by,

    -- facts
    'active' as relationship_status

from companies

inner join pairs
    on pairs.principal_id = companies.id

where not exists (
    select 1 from relationships
    where relationships.principal_id = pairs.principal_id and relationships.distributor_id = pairs.distributor_id
)
