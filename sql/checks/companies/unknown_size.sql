-- check: companies.unknown_size
-- severity: info
-- table: public.companies
-- why: The application's own list doesn't know it. Customers change these lists in code, so this is often right; it
--  is carried over as it is.
-- fix: Nothing has to be done where the list was changed; else correct the value.
-- returns: one row per company (id, detail)

with

companies as (

    select id, size from public.companies

)

select
    id,
    'size ' || cast(size as text) || ' is in no list' as detail

from companies

where size not in (1, 10, 50, 250, 500)
