-- check: contacts.unknown_gender
-- severity: info
-- table: public.contacts
-- why: The application's own list doesn't know it. Customers change these lists in code, so this is often right; it
--  is carried over as it is.
-- fix: Nothing has to be done where the list was changed; else correct the value.
-- returns: one row per contact (id, detail)

with

contacts as (

    select id, gender from public.contacts

)

select
    id,
    'gender ' || quote_literal(left(gender, 60)) || ' is in no list' as detail

from contacts

where gender not in ('', 'male', 'female', 'nonbinary')
