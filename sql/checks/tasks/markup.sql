-- check: tasks.markup
-- severity: info
-- table: public.tasks
-- why: Markup in a note came from a mail, a web page or an attack; it is carried over, and shown as text.
-- fix: Nothing has to be done; remove it where it hinders reading.
-- returns: one row per task (id, detail)

with

-- one look for all that may be wrong with a text; three checks begin with it, and each looks closer
tasks as (

    select id, type, text
    from public.tasks
    where concat_ws(' ', type, text) ~ '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f<ÃÂâ�]'

)

select
    id,
    'markup stands in text' as detail

from tasks

where text ~* '<[a-z/!][^<>]*>'
