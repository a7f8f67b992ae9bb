-- check: companies.garbled_text
-- severity: warning
-- table: public.companies
-- why: UTF-8 that was once read as Latin-1 (Ã¼ for ü) came from an import; nobody finds it under its right spelling.
-- fix: Import the text again in the right encoding, or correct it.
-- returns: one row per company (id, detail)

with

companies as (

    select id, concat_ws(' ', name, address, city, country, description) as texts from public.companies

)

select
    id,
    'letters that were read in a wrong encoding stand in name, address, city, country or description' as detail

from companies

where (texts like '%Ã%' or texts like '%Â%' or texts like '%â€%' or texts like '%�%')
    and texts ~ 'Ã[¡-¿–œŸ„‰€Š‡†ˆ]|Â[¡-¿]|â€[™œ“”˜¦¢]|�'
