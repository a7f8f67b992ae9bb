-- check: contacts.last_seen_before_first_seen
-- severity: info
-- table: public.contacts
-- why: Nobody is seen for the last time before the first. The membership starts at first_seen.
-- fix: Correct one of the dates.
-- returns: one row per contact (id, detail)

with

contacts as (

    select id, last_seen, first_seen
    from public.contacts
    where first_seen between timestamptz '1970-01-01 00:00+00' and timestamptz '2100-01-01 00:00+00'

)

select
    id,
    'last_seen lies before first_seen' as detail

from contacts

where last_seen < first_seen
