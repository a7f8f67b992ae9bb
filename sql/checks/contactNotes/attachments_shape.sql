-- check: contactNotes.attachments_shape
-- severity: warning
-- table: public.contactNotes
-- why: An attachment is an object with a src; whatever else stands in the list goes along with the note and can't be
--  opened.
-- fix: Take the entries without a src out of "contactNotes".attachments.
-- returns: one row per note (id, detail)

with

notes as (

    select id, attachments from public."contactNotes" where attachments is not null

)

select
    notes.id,
    'entries of attachments without src: ' || cast(count(*) as text) as detail

from notes

cross join unnest(notes.attachments) as listed (attachment)

where listed.attachment is null
    or jsonb_typeof(listed.attachment) <> 'object'
    or jsonb_typeof((listed.attachment -> 'src')) is distinct from 'string'

group by notes.id
