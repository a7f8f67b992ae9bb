-- step: 50_functions
-- why: Every function is there, runs with its caller's rights, and no search_path can lead it astray.

with

expected as (

    select unnest(array[
        'create_opportunity_with_participants',
        'sync_opportunity_participants',
        'get_opportunity_with_participants'
    ]) as name

)

select
    'function public.' || expected.name as object,
    'is missing, or runs with other rights than its caller''s or another search_path than its own' as problem

from expected

left join pg_catalog.pg_proc as functions
    on functions.pronamespace = 'public'::regnamespace
        and functions.proname = expected.name
        and not functions.prosecdef
        and functions.proconfig @> array['search_path=""']

where functions.proname is null
