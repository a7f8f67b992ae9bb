-- check: tasks.markup
-- severity: info
-- table: public.tasks
-- why: Markup in a note came from a mail, a web page or an attack; it is carried over, and shown as text.
-- fix: Nothing has to be done; remove it where it hinders reading.
-- returns: one row per task (id, detail)

with

tasks as (

    select id, text as texts from public.tasks

)

select
    id,
    'markup stands in text' as detail

from tasks

where texts ~* '<[a-z/!][^<>]*>'
