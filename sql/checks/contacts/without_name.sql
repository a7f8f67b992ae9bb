-- check: contacts.without_name
-- severity: warning
-- table: public.contacts
-- why: A contact without a first and a last name cannot be told from another one.
-- fix: Write at least one of the names, or delete the contact.
-- returns: one row per contact (id, detail)

with

contacts as (

    select id, concat_ws(' ', first_name, last_name) as name from public.contacts

)

select
    id,
    'first_name and last_name are blank' as detail

from contacts

where name !~ '\S'
