-- step: 30_keys
-- why: Every key and reference is there and validated, every index can be used.

with

expected as (

    select unnest(array[
        'activities_pkey',
        'activities_contact_id_fkey',
        'activities_organization_id_fkey',
        'activities_opportunity_id_fkey',
        'activities_created_by_fkey',
        'interaction_participants_pkey',
        'interaction_participants_activity_id_fkey',
        'interaction_participants_contact_id_fkey',
        'interaction_participants_organization_id_fkey',
        'interaction_participants_created_by_fkey',
        'opportunities_founding_interaction_id_fkey'
    ]) as name

),

expected_indexes as (

    select unnest(array[
        'activities_source_key',
        'activities_contact_id_idx',
        'activities_organization_id_idx',
        'activities_opportunity_id_idx',
        'activities_created_by_idx',
        'activities_activity_date_idx',
        'interaction_participants_activity_id_idx',
        'interaction_participants_contact_id_idx',
        'interaction_participants_organization_id_idx',
        'interaction_participants_created_by_idx',
        'opportunities_founding_interaction_id_idx'
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
