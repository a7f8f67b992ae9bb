-- check: dealNotes.without_author
-- severity: info
-- table: public.dealNotes
-- why: A note without a user becomes an activity without a created_by.
-- fix: Nothing has to be done; set sales_id where the user is known.
-- returns: one row per note (id, detail)

with

notes as (

    select id, sales_id from public."dealNotes"

)

select
    id,
    'sales_id is null' as detail

from notes

where sales_id is null
