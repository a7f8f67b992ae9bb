-- check: companies.long_text
-- severity: info
-- table: public.companies
-- why: The search reads the first 50,000 characters of what it is given; the text itself is carried over whole.
-- fix: Nothing has to be done; what stands behind them is not found by search.
-- returns: one row per company (id, detail)

with

companies as (

    select id, concat_ws(' ', name, sector, website, address, city) as texts from public.companies

)

select
    id,
    'more than 50,000 characters' as detail

from companies

where length(texts) > 50000
