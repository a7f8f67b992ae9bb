-- step: 60_views
-- why: Every view is there and runs with the caller's rights.

with

expected as (

    select unnest(array[
        'opportunities_with_participants'
    ]) as name

)

select
    'view public.' || expected.name as object,
    'is missing, or runs with its owner''s rights' as problem

from expected

left join pg_catalog.pg_class as classes
    on classes.oid = to_regclass('public.' || expected.name)
        and classes.relkind = 'v'
        and classes.reloptions @> array['security_invoker=on']

where classes.oid is null
