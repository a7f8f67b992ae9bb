-- check: contacts.unknown_sales
-- severity: blocker
-- table: public.contacts
-- why: A contact that points to a user that is gone breaks a foreign key, which the migration cannot load.
-- fix: Set contacts.sales_id to a user that exists, or to null where that is allowed; then validate the foreign key.
-- returns: one row per contact (id, detail)

with

contacts as (

    select id, sales_id from public.contacts where sales_id is not null

),

sales as (

    select id from public.sales

)

select
    contacts.id,
    'user ' || cast(contacts.sales_id as text) || ' does not exist' as detail

from contacts

left join sales
    on sales.id = contacts.sales_id

where sales.id is null
