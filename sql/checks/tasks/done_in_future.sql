-- check: tasks.done_in_future
-- severity: warning
-- table: public.tasks
-- why: Nobody did a task tomorrow. Its activity takes the date of doing and stands ahead of all others.
-- fix: Correct the date.
-- returns: one row per task (id, detail)

with

tasks as (

    select id, done_date from public.tasks

)

select
    id,
    'done_date lies in the future' as detail

from tasks

where done_date between now() + interval '1 day' and timestamptz '2100-01-01 00:00+00'
