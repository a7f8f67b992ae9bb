-- check: dealNotes.blank_text
-- severity: info
-- table: public.dealNotes
-- why: A note without a text becomes an activity with its type for a subject, or 'Note'.
-- fix: Nothing has to be done; write the text or delete the row where it means nothing.
-- returns: one row per note (id, detail)

with

notes as (

    select id, text from public."dealNotes"

)

select
    id,
    'text is blank' as detail

from notes

where text is null or text !~ '\S'
