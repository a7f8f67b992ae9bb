-- check: tasks.date_out_of_range
-- severity: warning
-- table: public.tasks
-- why: A date that is infinite, before 1970 or after 2100 is carried over as it is; time lines and ages computed
--  from it are wrong.
-- fix: Correct the date, or set it to null where that is allowed.
-- returns: one row per task (id, detail)

with

tasks as (

    select id, due_date, done_date from public.tasks

),

out_of_range as (

    select
        id,
        case
            when due_date not between timestamptz '1970-01-01 00:00+00' and timestamptz '2100-01-01 00:00+00'
                then 'due_date'
        end as due_date,
        case
            when done_date not between timestamptz '1970-01-01 00:00+00' and timestamptz '2100-01-01 00:00+00'
                then 'done_date'
        end as done_date

    from tasks

)

select
    id,
    concat_ws(', ', due_date, done_date)
    || ': before 1970 or after 2100' as detail

from out_of_range

where coalesce(due_date, done_date) is not null
