-- check: contacts.without_owner
-- severity: info
-- table: public.contacts
-- why: A contact without a user is nobody's; the rows that are made of it have no created_by.
-- fix: Nothing has to be done; set sales_id where somebody looks after it.
-- returns: one row per contact (id, detail)

with

contacts as (

    select id, sales_id from public.contacts

)

select
    id,
    'sales_id is null' as detail

from contacts

where sales_id is null
