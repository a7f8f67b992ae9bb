-- check: tasks.blank_text
-- severity: info
-- table: public.tasks
-- why: A task without a text becomes an activity with its type for a subject, or 'Task'.
-- fix: Nothing has to be done; write the text or delete the row where it means nothing.
-- returns: one row per task (id, detail)

with

tasks as (

    select id, text from public.tasks

)

select
    id,
    'text is blank' as detail

from tasks

where text is null or text !~ '\S'
