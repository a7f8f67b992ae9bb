-- check: contactNotes.missing_date
-- severity: info
-- table: public.contactNotes
-- why: A note without a date becomes an activity without one, which no time line shows in its place.
-- fix: Nothing has to be done; set the date where it is known.
-- returns: one row per note (id, detail)

with

notes as (

    select id, date from public."contactNotes"

)

select
    id,
    'date is null' as detail

from notes

where date is null
