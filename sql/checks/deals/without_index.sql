-- check: deals.without_index
-- severity: info
-- table: public.deals
-- why: A deal without an index has no place in its column of the board; it is shown somewhere.
-- fix: Nothing has to be done; dropping the card where it belongs numbers it.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, index from public.deals

)

select
    id,
    'index is null' as detail

from deals

where index is null
