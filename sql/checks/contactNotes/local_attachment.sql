-- check: contactNotes.local_attachment
-- severity: warning
-- table: public.contactNotes
-- why: An address that begins with blob: or file: leads to a browser or a disk: the file was never uploaded, and
--  nobody else can open it.
-- fix: Upload the file again, or take the entry out of attachments.
-- returns: one row per note (id, detail)

with

notes as (

    select id, unnest(attachments) as attachment from public."contactNotes" where attachments is not null

)

select
    id,
    'attachments that were never uploaded: ' || cast(count(*) as text) as detail

from notes

where (attachment ->> 'src') like 'blob:%' or (attachment ->> 'src') like 'file:%'

group by id
