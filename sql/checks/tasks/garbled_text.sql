-- check: tasks.garbled_text
-- severity: info
-- table: public.tasks
-- why: UTF-8 that was once read as Latin-1 (Ã¼ for ü) came from an import; nobody finds it under its right spelling.
-- fix: Import the text again in the right encoding, or correct it.
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
    'letters that were read in a wrong encoding stand in text' as detail

from tasks

where text ~ 'Ã[¡-¿–œŸ„‰€Š‡†ˆ]|Â[¡-¿]|â€[™œ“”˜¦¢]|�'
