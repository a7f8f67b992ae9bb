-- check: contacts.garbled_text
-- severity: warning
-- table: public.contacts
-- why: UTF-8 that was once read as Latin-1 (Ã¼ for ü) came from an import; nobody finds it under its right spelling.
-- fix: Import the text again in the right encoding, or correct it.
-- returns: one row per contact (id, detail)

with

contacts as (

    select id, concat_ws(' ', first_name, last_name, title, background) as texts from public.contacts

)

select
    id,
    'letters that were read in a wrong encoding stand in first_name, last_name, title or background' as detail

from contacts

where (texts like '%Ã%' or texts like '%Â%' or texts like '%â€%' or texts like '%�%')
    and texts ~ 'Ã[¡-¿–œŸ„‰€Š‡†ˆ]|Â[¡-¿]|â€[™œ“”˜¦¢]|�'
