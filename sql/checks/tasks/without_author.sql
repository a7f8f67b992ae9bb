-- check: tasks.without_author
-- severity: info
-- table: public.tasks
-- why: A task without a user becomes an activity without a created_by.
-- fix: Nothing has to be done; set sales_id where the user is known.
-- returns: one row per task (id, detail)

with

tasks as (

    select id, sales_id from public.tasks

)

select
    id,
    'sales_id is null' as detail

from tasks

where sales_id is null
