-- check: companies.garbled_text
-- severity: warning
-- table: public.companies
-- why: UTF-8 that was once read as Latin-1 (Ã¼ for ü) came from an import; nobody finds it under its right spelling.
-- fix: Import the text again in the right encoding, or correct it.
-- returns: one row per company (id, detail)

with

-- one look for all that may be wrong with a text; three checks begin with it, and each looks closer
companies as (

    select id, name, sector, website, address, city, country, description
    from public.companies
    where concat_ws(' ', name, sector, website, address, city, country, description)
        ~ '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f<ÃÂâ�]'

)

select
    id,
    'letters that were read in a wrong encoding stand in name, address, city, country or description' as detail

from companies

where concat_ws(' ', name, address, city, country, description) ~ 'Ã[¡-¿–œŸ„‰€Š‡†ˆ]|Â[¡-¿]|â€[™œ“”˜¦¢]|�'
