-- check: companies.control_characters
-- severity: warning
-- table: public.companies
-- why: Control characters come from broken imports; they break exports, and JSON that is built by hand.
-- fix: Remove them: regexp_replace(column, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]', '', 'g').
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
    'a control character stands in name, sector, website, address, city or description' as detail

from companies

where concat_ws(' ', name, sector, website, address, city, description) ~ '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]'
