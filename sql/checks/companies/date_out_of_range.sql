-- check: companies.date_out_of_range
-- severity: warning
-- table: public.companies
-- why: A date that is infinite, before 1970 or after 2100 is carried over as it is; time lines and ages computed
--  from it are wrong.
-- fix: Correct the date, or set it to null where that is allowed.
-- returns: one row per company (id, detail)

with

companies as (

    select id, created_at from public.companies

)

select
    id,
    'created_at: before 1970 or after 2100' as detail

from companies

where created_at not between timestamptz '1970-01-01 00:00+00' and timestamptz '2100-01-01 00:00+00'
