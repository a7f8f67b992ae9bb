-- check: dealNotes.date_in_future
-- severity: warning
-- table: public.dealNotes
-- why: A note is not written tomorrow. Its activity takes the date and stands ahead of all others on the time line.
-- fix: Correct the date.
-- returns: one row per note (id, detail)

with

notes as (

    select id, date from public."dealNotes"

)

select
    id,
    'date lies in the future' as detail

from notes

where date between now() + interval '1 day' and timestamptz '2100-01-01 00:00+00'
