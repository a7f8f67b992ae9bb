-- check: tasks.unknown_type
-- severity: info
-- table: public.tasks
-- why: A type that the mapping of activity types doesn't know becomes 'check_in'.
-- fix: Add the type to mappings/activity_types.csv where another one fits better.
-- returns: one row per task (id, detail)

with

tasks as (

    select id, type from public.tasks where type not in ('', 'None')

),

activity_types as (

    select legacy_type from migration.activity_types

)

select
    tasks.id,
    'type ' || quote_literal(left(tasks.type, 60)) || ' is not mapped' as detail

from tasks

left join activity_types
    on activity_types.legacy_type = tasks.type

where activity_types.legacy_type is null
