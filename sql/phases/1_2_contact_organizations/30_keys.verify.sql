-- step: 30_keys
-- why: Every key and reference is there and validated, every index can be used.

with

expected as (

    select unnest(array[
        'contact_organizations_pkey',
        'contact_organizations_contact_id_fkey',
        'contact_organizations_organization_id_fkey',
        'contact_organizations_created_by_fkey',
        'contact_preferred_principals_pkey',
        'contact_preferred_principals_contact_id_fkey',
        'contact_preferred_principals_principal_organization_id_fkey',
        'contact_preferred_principals_created_by_fkey'
    ]) as name

),

expected_indexes as (

    select unnest(array[
        'contact_organizations_living_pair_key',
        'contact_organizations_living_primary_key',
        'contact_organizations_contact_id_idx',
        'contact_organizations_organization_id_idx',
        'contact_organizations_created_by_idx',
        'contact_preferred_principals_living_pair_key',
        'contact_preferred_principals_contact_id_idx',
        'contact_preferred_principals_principal_organization_id_idx',
        'contact_preferred_principals_created_by_idx'
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
