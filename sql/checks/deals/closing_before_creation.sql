-- check: deals.closing_before_creation
-- severity: info
-- table: public.deals
-- why: A deal expected to close more than a year before it was entered has a mistyped year, or was entered late.
-- fix: Correct the year where it is wrong.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, expected_closing_date, created_at
    from public.deals
    where created_at between timestamptz '1970-01-01 00:00+00' and timestamptz '2100-01-01 00:00+00'

)

select
    id,
    'expected_closing_date lies more than a year before created_at' as detail

from deals

where expected_closing_date < created_at - interval '365 days'
