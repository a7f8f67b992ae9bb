-- check: deals.long_text
-- severity: info
-- table: public.deals
-- why: The search reads the first 50,000 characters of what it is given; the text itself is carried over whole.
-- fix: Nothing has to be done; what stands behind them is not found by search.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, concat_ws(' ', name, description, category) as texts from public.deals

)

select
    id,
    'more than 50,000 characters' as detail

from deals

where length(texts) > 50000
