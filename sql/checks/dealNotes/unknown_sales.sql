-- check: dealNotes.unknown_sales
-- severity: blocker
-- table: public.dealNotes
-- why: A note that points to a user that is gone breaks a foreign key, which the migration cannot load.
-- fix: Set dealNotes.sales_id to a user that exists, or to null where that is allowed; then validate the foreign
--  key.
-- returns: one row per note (id, detail)

with

notes as (

    select id, sales_id from public."dealNotes" where sales_id is not null

),

sales as (

    select id from public.sales

)

select
    notes.id,
    'user ' || cast(notes.sales_id as text) || ' does not exist' as detail

from notes

left join sales
    on sales.id = notes.sales_id

where sales.id is null
