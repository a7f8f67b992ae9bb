-- check: tasks.without_type
-- severity: info
-- table: public.tasks
-- why: A task without a type becomes an activity of type 'check_in'.
-- fix: Nothing has to be done; set the type where it is known.
-- returns: one row per task (id, detail)

with

tasks as (

    select id, type from public.tasks

)

select
    id,
    'type is blank' as detail

from tasks

where coalesce(type, '') !~ '\S'
