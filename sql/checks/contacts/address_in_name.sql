-- check: contacts.address_in_name
-- severity: info
-- table: public.contacts
-- why: An e-mail or web address in a name came from an import whose columns slipped.
-- fix: Move the address to where it belongs, and write the name.
-- returns: one row per contact (id, detail)

with

contacts as (

    select id, first_name, last_name from public.contacts

)

select
    id,
    'an address stands in first_name or last_name' as detail

from contacts

where first_name like '%@%' or first_name like '%://%' or last_name like '%@%' or last_name like '%://%'
