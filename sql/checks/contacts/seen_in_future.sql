-- check: contacts.seen_in_future
-- severity: warning
-- table: public.contacts
-- why: Nobody was seen tomorrow. The membership starts at first_seen; the contact stays on top of every list by date.
-- fix: Correct the date.
-- returns: one row per contact (id, detail)

with

contacts as (

    select id, first_seen, last_seen from public.contacts

)

select
    id,
    'first_seen or last_seen lies in the future' as detail

from contacts

where first_seen between now() + interval '1 day' and timestamptz '2100-01-01 00:00+00'
    or last_seen between now() + interval '1 day' and timestamptz '2100-01-01 00:00+00'
