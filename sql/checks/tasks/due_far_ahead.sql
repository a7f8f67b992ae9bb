-- check: tasks.due_far_ahead
-- severity: info
-- table: public.tasks
-- why: A task due more than ten years from now has a mistyped year.
-- fix: Correct the year where it is wrong.
-- returns: one row per task (id, detail)

with

tasks as (

    select id, due_date from public.tasks

)

select
    id,
    'due_date lies more than ten years ahead' as detail

from tasks

where due_date between now() + interval '3650 days' and timestamptz '2100-01-01 00:00+00'
