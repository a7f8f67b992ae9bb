-- step: 10_types
-- why: Every enumeration has its number of values.

with

expected as (

    select name, labels
    from (
        values
        ('organization_type', 7),
        ('contact_role', 8),
        ('opportunity_stage', 8),
        ('opportunity_status', 5),
        ('interaction_type', 11),
        ('activity_type', 2),
        ('priority_level', 4)
    ) as listed (name, labels)

),

found as (

    select types.typname as name, count(*) as labels
    from pg_catalog.pg_type as types
    inner join pg_catalog.pg_enum as enumerations on enumerations.enumtypid = types.oid
    where types.typnamespace = 'public'::regnamespace
    group by types.typname

)

select
    'type public.' || expected.name as object,
    format('has %s values, not %s', coalesce(found.labels, 0), expected.labels) as problem

from expected

left join found
    on found.name = expected.name

where found.labels is distinct from expected.labels
