-- step: 30_keys
-- why: Every key and reference is there and validated, every index can be used.

with

expected as (

    select unnest(array[
        'products_pkey',
        'products_principal_id_fkey',
        'products_created_by_fkey',
        'principal_distributor_relationships_pkey',
        'principal_distributor_relationships_principal_id_fkey',
        'principal_distributor_relationships_distributor_id_fkey',
        'principal_distributor_relationships_created_by_fkey',
        'opportunity_products_product_id_fkey'
    ]) as name

),

expected_indexes as (

    select unnest(array[
        'products_living_sku_key',
        'products_principal_id_idx',
        'products_created_by_idx',
        'principal_distributor_relationships_active_pair_key',
        'principal_distributor_relationships_principal_id_idx',
        'principal_distributor_relationships_distributor_id_idx',
        'principal_distributor_relationships_created_by_idx',
        'opportunity_products_product_id_idx'
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
