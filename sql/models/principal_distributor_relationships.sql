-- model: principal_distributor_relationships
-- target: public.principal_distributor_relationships
-- mode: insert
-- driver: public.companies.id
-- key: principal_id, distributor_id, relationship_status
-- rows: more
-- why: Which distributor sells for which principal, as the analyst's relationships.csv says.

with

companies as (

    select id, sales_id from public.companies

),

relationships as (

    select principal_id, distributor_id, relationship_status, start_date, end_date, commission_rate, notes
    from migration.relationships

)

select
    -- ids
    companies.id as principal_id,
    relationships.distributor_id,
    companies.sales_id as created_by,

    -- facts
    coalesce(relationships.relationship_status, 'active') as relationship_status,
    relationships.commission_rate,
    relationships.notes,

    -- dates
    relationships.start_date,
    relationships.end_date

from companies

inner join relationships
    on relationships.principal_id = companies.id
