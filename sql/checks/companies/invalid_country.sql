-- check: companies.invalid_country
-- severity: info
-- table: public.companies
-- why: A country with digits, an at sign or a single letter is none: columns slipped in an import.
-- fix: Correct companies.country, and look at the columns beside it.
-- returns: one row per company (id, detail)

with

companies as (

    select id, country from public.companies

)

select
    id,
    'country is none' as detail

from companies

where country ~ '[0-9@<>]' or country ~ '^\s*\S\s*$' or length(country) > 60
