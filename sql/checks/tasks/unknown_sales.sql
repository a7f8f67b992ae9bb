-- check: tasks.unknown_sales
-- severity: warning
-- table: public.tasks
-- why: No foreign key holds tasks.sales_id. A task of a user that is gone becomes an activity without a created_by.
-- fix: Set tasks.sales_id to a user that exists, or to null.
-- returns: one row per task (id, detail)

with

tasks as (

    select id, sales_id from public.tasks where sales_id is not null

),

sales as (

    select id from public.sales

)

select
    tasks.id,
    'user ' || cast(tasks.sales_id as text) || ' does not exist' as detail

from tasks

left join sales
    on sales.id = tasks.sales_id

where sales.id is null
