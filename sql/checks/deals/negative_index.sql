-- check: deals.negative_index
-- severity: info
-- table: public.deals
-- why: deals.index counts from 0; a card below it cannot be told from the first one.
-- fix: Number the deals of the stage anew.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, index from public.deals

)

select
    id,
    'index is negative' as detail

from deals

where index < 0
