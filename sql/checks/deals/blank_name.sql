-- check: deals.blank_name
-- severity: warning
-- table: public.deals
-- why: An opportunity without a name cannot be told from another one.
-- fix: Name the deal.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, name from public.deals

)

select
    id,
    'name is blank' as detail

from deals

where name !~ '\S'
