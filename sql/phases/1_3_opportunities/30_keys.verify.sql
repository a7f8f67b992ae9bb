-- step: 30_keys
-- why: Every key and reference is there and validated, every index can be used.

with

expected as (

    select unnest(array[
        'opportunity_participants_pkey',
        'opportunity_participants_opportunity_id_fkey',
        'opportunity_participants_organization_id_fkey',
        'opportunity_participants_created_by_fkey',
        'opportunity_products_pkey',
        'opportunity_products_opportunity_id_fkey',
        'opportunity_products_created_by_fkey'
    ]) as name

),

expected_indexes as (

    select unnest(array[
        'opportunity_participants_living_role_key',
        'opportunity_participants_living_customer_key',
        'opportunity_participants_living_principal_key',
        'opportunity_participants_living_primary_key',
        'opportunity_participants_opportunity_id_idx',
        'opportunity_participants_organization_id_idx',
        'opportunity_participants_created_by_idx',
        'opportunity_products_opportunity_id_idx',
        'opportunity_products_created_by_idx'
    ]) as name

)

select
    'constraint ' || expected.name as object,
    'is missing or not validated' as problem

from expected

left join pg_catalog.pg_constraint as constraints
    on constraints.conname = expected.name and constraints.convalidated

where constraints.conname is null

union all

select
    'index ' || expected_indexes.name as object,
    'is missing or invalid' as problem

from expected_indexes

left join pg_catalog.pg_index as indexes
    on indexes.indexrelid = to_regclass('public.' || expected_indexes.name) and indexes.indisvalid

where indexes.indexrelid is null
