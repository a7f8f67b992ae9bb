-- check: tasks.done_long_before_due
-- severity: info
-- table: public.tasks
-- why: A task done more than a year before it was due has a mistyped year. The activity takes the date of doing.
-- fix: Correct the year where it is wrong.
-- returns: one row per task (id, detail)

with

tasks as (

    select id, done_date, due_date
    from public.tasks
    where due_date between timestamptz '1970-01-01 00:00+00' and timestamptz '2100-01-01 00:00+00'

)

select
    id,
    'done_date lies more than a year before due_date' as detail

from tasks

where done_date < due_date and done_date < due_date - interval '365 days'
