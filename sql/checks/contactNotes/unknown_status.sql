-- check: contactNotes.unknown_status
-- severity: info
-- table: public.contactNotes
-- why: The application's own list doesn't know it. Customers change these lists in code, so this is often right; it
--  is carried over as it is.
-- fix: Nothing has to be done where the list was changed; else correct the value.
-- returns: one row per note (id, detail)

with

notes as (

    select id, status from public."contactNotes"

)

select
    id,
    'status ' || quote_literal(left(status, 60)) || ' is in no list' as detail

from notes

where status not in ('', 'cold', 'warm', 'hot', 'in-contract')
