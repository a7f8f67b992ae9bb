-- check: companies.unknown_sector
-- severity: info
-- table: public.companies
-- why: The application's own list doesn't know it. Customers change these lists in code, so this is often right; it
--  is carried over as it is.
-- fix: Nothing has to be done where the list was changed; else correct the value.
-- returns: one row per company (id, detail)

with

companies as (

    select id, sector from public.companies

)

select
    id,
    'sector ' || quote_literal(left(sector, 60)) || ' is in no list' as detail

from companies

where sector not in (
    '',
    'Communication Services',
    'Consumer Discretionary',
    'Consumer Staples',
    'Energy',
    'Financials',
    'Health Care',
    'Industrials',
    'Information Technology',
    'Materials',
    'Real Estate',
    'Utilities'
)
