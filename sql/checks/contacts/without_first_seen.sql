-- check: contacts.without_first_seen
-- severity: info
-- table: public.contacts
-- why: The membership of a company starts at first_seen; without it, it has no beginning.
-- fix: Nothing has to be done; set the date where it is known.
-- returns: one row per contact (id, detail)

with

contacts as (

    select id, first_seen, company_id from public.contacts

)

select
    id,
    'first_seen is null' as detail

from contacts

where first_seen is null and company_id is not null
