-- check: deals.without_closing_date
-- severity: info
-- table: public.deals
-- why: An opportunity without an expected closing date stands in no forecast.
-- fix: Nothing has to be done; enter the date where it is known.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, expected_closing_date from public.deals

)

select
    id,
    'expected_closing_date is null' as detail

from deals

where expected_closing_date is null
