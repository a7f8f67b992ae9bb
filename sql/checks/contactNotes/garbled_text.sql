-- check: contactNotes.garbled_text
-- severity: info
-- table: public.contactNotes
-- why: UTF-8 that was once read as Latin-1 (Ã¼ for ü) came from an import; nobody finds it under its right spelling.
-- fix: Import the text again in the right encoding, or correct it.
-- returns: one row per note (id, detail)

with

notes as (

    select id, text as texts from public."contactNotes"

)

select
    id,
    'letters that were read in a wrong encoding stand in text' as detail

from notes

where (texts like '%Ã%' or texts like '%Â%' or texts like '%â€%' or texts like '%�%')
    and texts ~ 'Ã[¡-¿–œŸ„‰€Š‡†ˆ]|Â[¡-¿]|â€[™œ“”˜¦¢]|�'
