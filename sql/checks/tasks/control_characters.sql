-- check: tasks.control_characters
-- severity: warning
-- table: public.tasks
-- why: Control characters come from broken imports; they break exports, and JSON that is built by hand.
-- fix: Remove them: regexp_replace(column, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]', '', 'g').
-- returns: one row per task (id, detail)

with

tasks as (

    select id, concat_ws(' ', type, text) as texts from public.tasks

)

select
    id,
    'a control character stands in type or text' as detail

from tasks

where texts ~ '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]'
