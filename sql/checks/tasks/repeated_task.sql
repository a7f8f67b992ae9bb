-- check: tasks.repeated_task
-- severity: info
-- table: public.tasks
-- why: The same task for the same contact, due at the same moment, came from an import that ran twice; its activity
--  would be there twice.
-- fix: Delete one of the two where they are one.
-- returns: one row per task but the first of those that are the same (id, detail)

with

-- read twice rather than kept: texts are wide
tasks as not materialized (

    select id, contact_id, due_date, coalesce(type, '') as type, text from public.tasks where text <> ''

),

moments as (

    select
        contact_id,
        due_date

    from tasks

    group by contact_id, due_date

    having count(*) > 1

),

twins as (

    select
        tasks.id,
        min(tasks.id) over (partition by tasks.contact_id, tasks.due_date, tasks.type, tasks.text) as first_id

    from tasks

    inner join moments
        on moments.contact_id = tasks.contact_id and moments.due_date = tasks.due_date

)

select
    id,
    'same as task ' || cast(first_id as text) as detail

from twins

where id <> first_id
