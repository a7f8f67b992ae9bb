-- check: dealNotes.date_out_of_range
-- severity: warning
-- table: public.dealNotes
-- why: A date that is infinite, before 1970 or after 2100 is carried over as it is; time lines and ages computed
--  from it are wrong.
-- fix: Correct the date, or set it to null where that is allowed.
-- returns: one row per note (id, detail)

with

notes as (

    select id, date from public."dealNotes"

)

select
    id,
    'date: before 1970 or after 2100' as detail

from notes

where date not between timestamptz '1970-01-01 00:00+00' and timestamptz '2100-01-01 00:00+00'
