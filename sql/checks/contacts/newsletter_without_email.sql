-- check: contacts.newsletter_without_email
-- severity: info
-- table: public.contacts
-- why: Whoever ordered the newsletter and has no address does not get it.
-- fix: Enter the address, or take the order out.
-- returns: one row per contact (id, detail)

with

contacts as (

    select id, cast(email_jsonb as text) as email_jsonb from public.contacts where has_newsletter

)

select
    id,
    'has_newsletter without an address' as detail

from contacts

where coalesce(email_jsonb, '') not like '%@%'
