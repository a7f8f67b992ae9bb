-- check: dealNotes.unknown_type
-- severity: info
-- table: public.dealNotes
-- why: A type that the mapping of activity types doesn't know becomes 'check_in'.
-- fix: Add the type to mappings/activity_types.csv where another one fits better.
-- returns: one row per note (id, detail)

with

notes as (

    select
        id,
        type,
        case when type like 'Call%' then 'Call' else type end as known_type
    from public."dealNotes"
    where type not in ('', 'None')

),

activity_types as (

    select legacy_type from migration.activity_types

)

select
    notes.id,
    'type ' || quote_literal(left(notes.type, 60)) || ' is not mapped' as detail

from notes

left join activity_types
    on activity_types.legacy_type = notes.known_type

where activity_types.legacy_type is null
