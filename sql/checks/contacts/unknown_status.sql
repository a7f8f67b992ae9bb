-- check: contacts.unknown_status
-- severity: info
-- table: public.contacts
-- why: The application's own list doesn't know it. Customers change these lists in code, so this is often right; it
--  is carried over as it is.
-- fix: Nothing has to be done where the list was changed; else correct the value.
-- returns: one row per contact (id, detail)

with

contacts as (

    select id, status from public.contacts

)

select
    id,
    'status ' || quote_literal(left(status, 60)) || ' is in no list' as detail

from contacts

where status not in ('', 'cold', 'warm', 'hot', 'in-contract')
