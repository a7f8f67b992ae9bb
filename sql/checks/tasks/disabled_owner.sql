-- check: tasks.disabled_owner
-- severity: info
-- table: public.tasks
-- why: An open task of a user who is disabled has nobody who does it.
-- fix: Hand the task over to another user.
-- returns: one row per task (id, detail)

with

tasks as (

    select id, sales_id from public.tasks where done_date is null

),

sales as (

    select id from public.sales where disabled

)

select
    tasks.id,
    'user ' || cast(sales.id as text) || ' is disabled' as detail

from tasks

inner join sales
    on sales.id = tasks.sales_id
