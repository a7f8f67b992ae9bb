-- check: deals.unknown_category
-- severity: info
-- table: public.deals
-- why: The application's own list doesn't know it. Customers change these lists in code, so this is often right; it
--  is carried over as it is.
-- fix: Nothing has to be done where the list was changed; else correct the value.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, category from public.deals

)

select
    id,
    'category ' || quote_literal(left(category, 60)) || ' is in no list' as detail

from deals

where category not in ('', 'Other', 'Copywriting', 'Print project', 'UI Design', 'Website design')
