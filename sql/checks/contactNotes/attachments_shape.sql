-- check: contactNotes.attachments_shape
-- severity: warning
-- table: public.contactNotes
-- why: An attachment is an object with a src; whatever else stands in the list goes along with the note and can't be
--  opened.
-- fix: Take the entries without a src out of "contactNotes".attachments.
-- returns: one row per note (id, detail)

with

notes as (

    select id, unnest(attachments) as attachment from public."contactNotes"

)

select
    id,
    'entries of attachments without src: ' || cast(count(*) as text) as detail

from notes

where attachment is null
    or jsonb_typeof(attachment) <> 'object'
    or jsonb_typeof((attachment -> 'src')) is distinct from 'string'

group by id
