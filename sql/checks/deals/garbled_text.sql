-- check: deals.garbled_text
-- severity: warning
-- table: public.deals
-- why: UTF-8 that was once read as Latin-1 (Ã¼ for ü) came from an import; nobody finds it under its right spelling.
-- fix: Import the text again in the right encoding, or correct it.
-- returns: one row per deal (id, detail)

with

-- one look for all that may be wrong with a text; three checks begin with it, and each looks closer
deals as (

    select id, name, category, description
    from public.deals
    where concat_ws(' ', name, category, description) ~ '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f<ÃÂâ�]'

)

select
    id,
    'letters that were read in a wrong encoding stand in name or description' as detail

from deals

where concat_ws(' ', name, description) ~ 'Ã[¡-¿–œŸ„‰€Š‡†ˆ]|Â[¡-¿]|â€[™œ“”˜¦¢]|�'
