-- check: companies.control_characters
-- severity: warning
-- table: public.companies
-- why: Control characters come from broken imports; they break exports, and JSON that is built by hand.
-- fix: Remove them: regexp_replace(column, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]', '', 'g').
-- returns: one row per company (id, detail)

with

companies as (

    select id, concat_ws(' ', name, sector, website, address, city, description) as texts from public.companies

)

select
    id,
    'a control character stands in name, sector, website, address, city or description' as detail

from companies

where texts ~ '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]'
