-- check: inputs.advocacy_unknown_contact
-- severity: blocker
-- table: migration.advocacy
-- why: A line of advocacy.csv names a contact that isn't in the source; the row made from it would break a foreign
--  key, or be lost.
-- fix: Correct contact_id in advocacy.csv, or remove the line.
-- returns: one row per line of advocacy.csv (line, detail)

with

advocacy as (

    select line, contact_id from migration.advocacy

),

contacts as (

    select id from public.contacts

)

select
    advocacy.line,
    'contact ' || cast(advocacy.contact_id as text) || ' does not exist' as detail

from advocacy

left join contacts
    on contacts.id = advocacy.contact_id

where contacts.id is null
