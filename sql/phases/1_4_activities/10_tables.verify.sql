-- step: 10_tables
-- why: The tables are there, under row-level security, and their surrogate keys come from an identity.

with

expected as (

    select unnest(array[
        'activities',
        'interaction_participants'
    ]) as name

)

select
    'table public.' || expected.name as object,
    'is missing, without row-level security, or its id is no identity' as problem

from expected

left join pg_catalog.pg_class as classes
    on classes.oid = to_regclass('public.' || expected.name) and classes.relrowsecurity

left join pg_catalog.pg_attribute as attributes
    on attributes.attrelid = classes.oid and attributes.attname = 'id' and attributes.attidentity = 'd'

where attributes.attname is null
