-- check: contactNotes.unknown_contact
-- severity: blocker
-- table: public.contactNotes
-- why: A note that points to a contact that is gone breaks a foreign key, which the migration cannot load.
-- fix: Set contactNotes.contact_id to a contact that exists, or to null where that is allowed; then validate the
--  foreign key.
-- returns: one row per note (id, detail)

with

notes as (

    select id, contact_id from public."contactNotes" where contact_id is not null

),

contacts as (

    select id from public.contacts

)

select
    notes.id,
    'contact ' || cast(notes.contact_id as text) || ' does not exist' as detail

from notes

left join contacts
    on contacts.id = notes.contact_id

where contacts.id is null
