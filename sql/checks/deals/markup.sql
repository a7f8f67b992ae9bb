-- check: deals.markup
-- severity: info
-- table: public.deals
-- why: Markup in a name came from a web page or an attack; it is carried over, and shown as text.
-- fix: Remove it where it is no part of the name.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, name as texts from public.deals

)

select
    id,
    'markup stands in name' as detail

from deals

where texts ~* '<[a-z/!][^<>]*>'
