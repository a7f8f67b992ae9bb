-- check: dealNotes.garbled_text
-- severity: info
-- table: public.dealNotes
-- why: UTF-8 that was once read as Latin-1 (Ã¼ for ü) came from an import; nobody finds it under its right spelling.
-- fix: Import the text again in the right encoding, or correct it.
-- returns: one row per note (id, detail)

with

-- one look for all that may be wrong with a text; three checks begin with it, and each looks closer
notes as (

    select id, text
    from public."dealNotes"
    where text ~ '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f<ÃÂâ�]'

)

select
    id,
    'letters that were read in a wrong encoding stand in text' as detail

from notes

where text ~ 'Ã[¡-¿–œŸ„‰€Š‡†ˆ]|Â[¡-¿]|â€[™œ“”˜¦¢]|�'
