-- check: contacts.garbled_text
-- severity: warning
-- table: public.contacts
-- why: UTF-8 that was once read as Latin-1 (Ã¼ for ü) came from an import; nobody finds it under its right spelling.
-- fix: Import the text again in the right encoding, or correct it.
-- returns: one row per contact (id, detail)

with

-- one look for all that may be wrong with a text; three checks begin with it, and each looks closer
contacts as (

    select id, first_name, last_name, title, background
    from public.contacts
    where concat_ws(' ', first_name, last_name, title, background) ~ '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f<ÃÂâ�]'

)

select
    id,
    'letters that were read in a wrong encoding stand in first_name, last_name, title or background' as detail

from contacts

where concat_ws(' ', first_name, last_name, title, background) ~ 'Ã[¡-¿–œŸ„‰€Š‡†ˆ]|Â[¡-¿]|â€[™œ“”˜¦¢]|�'
