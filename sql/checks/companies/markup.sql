-- check: companies.markup
-- severity: info
-- table: public.companies
-- why: Markup in a name came from a web page or an attack; it is carried over, and shown as text.
-- fix: Remove it where it is no part of the name.
-- returns: one row per company (id, detail)

with

companies as (

    select id, name as texts from public.companies

)

select
    id,
    'markup stands in name' as detail

from companies

where texts ~* '<[a-z/!][^<>]*>'
