-- check: companies.invalid_revenue
-- severity: info
-- table: public.companies
-- why: A revenue without a digit says nothing.
-- fix: Correct companies.revenue, or set it to null.
-- returns: one row per company (id, detail)

with

companies as (

    select id, revenue from public.companies

)

select
    id,
    'revenue holds no number' as detail

from companies

where revenue ~ '\S' and revenue !~ '[0-9]'
