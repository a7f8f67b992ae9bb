-- check: contactNotes.without_author
-- severity: info
-- table: public.contactNotes
-- why: A note without a user becomes an activity without a created_by.
-- fix: Nothing has to be done; set sales_id where the user is known.
-- returns: one row per note (id, detail)

with

notes as (

    select id, sales_id from public."contactNotes"

)

select
    id,
    'sales_id is null' as detail

from notes

where sales_id is null
