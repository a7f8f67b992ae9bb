-- model: activities_from_tasks
-- target: public.activities
-- mode: insert
-- driver: public.tasks.id
-- key: source_id, source_table
-- rows: same
-- why: A task is an engagement: done when it was done, else to be followed up on the day it is due.

with

tasks as (

    select
        id,
        contact_id,
        type,
        text,
        due_date,
        done_date,
        sales_id,
        rtrim(split_part(text, chr(10), 1), chr(13)) as first_line
    from public.tasks

),

contacts as (

    select id, company_id from public.contacts

),

sales as (

    select id from public.sales

),

activity_types as (

    select legacy_type, type from migration.activity_types

)

select
    -- ids
    tasks.contact_id,
    contacts.company_id as organization_id,
    sales.id as created_by,
    tasks.id as source_id,

    -- facts
    'tasks' as source_table,
    'engagement' as activity_type,
    coalesce(activity_types.type, 'check_in') as type,
    case
        when btrim(tasks.first_line, chr(9) || ' ') <> '' then left(tasks.first_line, 200)
        when btrim(tasks.type, chr(9) || ' ') <> '' then left(tasks.type, 200)
        else 'Task'
    end as subject,
    tasks.text as description,
    tasks.done_date is null as follow_up_required,

    -- dates
    coalesce(tasks.done_date, tasks.due_date) as activity_date,
    case when tasks.done_date is null then cast(tasks.due_date at time zone 'UTC' as date) end as follow_up_date

from tasks

left join contacts
    on contacts.id = tasks.contact_id

left join sales
    on sales.id = tasks.sales_id

left join activity_types
    on activity_types.legacy_type = tasks.type
