-- check: companies.date_in_future
-- severity: warning
-- table: public.companies
-- why: A company is not entered tomorrow: clocks or imports went wrong, and ages computed from it are negative.
-- fix: Correct the date.
-- returns: one row per company (id, detail)

with

companies as (

    select id, created_at from public.companies

)

select
    id,
    'created_at lies in the future' as detail

from companies

where created_at between now() + interval '1 day' and timestamptz '2100-01-01 00:00+00'
