-- check: deals.markup
-- severity: info
-- table: public.deals
-- why: Markup in a name came from a web page or an attack; it is carried over, and shown as text.
-- fix: Remove it where it is no part of the name.
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
    'markup stands in name' as detail

from deals

where name ~* '<[a-z/!][^<>]*>'
