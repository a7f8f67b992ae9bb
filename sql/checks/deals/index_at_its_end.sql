-- check: deals.index_at_its_end
-- severity: info
-- table: public.deals
-- why: deals.index counts up to 32767: dropping a card behind this one on the board fails, before the migration and
--  after it.
-- fix: Number the deals of the stage anew.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, index from public.deals

)

select
    id,
    'index is 32767' as detail

from deals

where index = 32767
