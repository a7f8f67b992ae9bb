-- check: deals.date_in_future
-- severity: warning
-- table: public.deals
-- why: A deal is not entered, changed or archived tomorrow. A closed opportunity takes its closing date from
--  updated_at.
-- fix: Correct the date.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, created_at, updated_at, archived_at from public.deals

)

select
    id,
    'created_at, updated_at or archived_at lies in the future' as detail

from deals

where created_at between now() + interval '1 day' and timestamptz '2100-01-01 00:00+00'
    or updated_at between now() + interval '1 day' and timestamptz '2100-01-01 00:00+00'
    or archived_at between now() + interval '1 day' and timestamptz '2100-01-01 00:00+00'
