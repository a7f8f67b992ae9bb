-- check: tasks.unknown_contact
-- severity: blocker
-- table: public.tasks
-- why: A task that points to a contact that is gone breaks a foreign key, which the migration cannot load.
-- fix: Set tasks.contact_id to a contact that exists, or to null where that is allowed; then validate the foreign
--  key.
-- returns: one row per task (id, detail)

with

tasks as (

    select id, contact_id from public.tasks where contact_id is not null

),

contacts as (

    select id from public.contacts

)

select
    tasks.id,
    'contact ' || cast(tasks.contact_id as text) || ' does not exist' as detail

from tasks

left join contacts
    on contacts.id = tasks.contact_id

where contacts.id is null
