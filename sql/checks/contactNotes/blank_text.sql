-- check: contactNotes.blank_text
-- severity: info
-- table: public.contactNotes
-- why: A note without a text becomes an activity with the subject 'Note'.
-- fix: Nothing has to be done; write the text or delete the row where it means nothing.
-- returns: one row per note (id, detail)

with

notes as (

    select id, text from public."contactNotes"

)

select
    id,
    'text is blank' as detail

from notes

where text is null or text !~ '\S'
