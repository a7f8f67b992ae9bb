-- check: deals.closing_far_ahead
-- severity: info
-- table: public.deals
-- why: A deal expected to close more than ten years after it was entered has a mistyped year.
-- fix: Correct the year where it is wrong.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, expected_closing_date, created_at from public.deals

)

select
    id,
    'expected_closing_date lies more than ten years after created_at' as detail

from deals

where expected_closing_date > created_at + interval '3650 days'
    and created_at > timestamptz '1970-01-01 00:00+00'
    and expected_closing_date < timestamptz '2100-01-01 00:00+00'
