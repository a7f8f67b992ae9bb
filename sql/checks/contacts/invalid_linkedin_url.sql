-- check: contacts.invalid_linkedin_url
-- severity: warning
-- table: public.contacts
-- why: The application takes nothing but an address at linkedin.com here; another one came from an import.
-- fix: Correct the address, or set contacts.linkedin_url to null.
-- returns: one row per contact (id, detail)

with

contacts as (

    select id, linkedin_url
    from public.contacts
    where linkedin_url !~ '^https://www\.linkedin\.com/[a-z]+/[^ ?#]*$' and linkedin_url <> ''

)

select
    id,
    'linkedin_url is not an address at linkedin.com' as detail

from contacts

where linkedin_url !~* '^ *(https?://)?([a-z0-9-]+\.)*linkedin\.com([/?#]\S*)? *$' and linkedin_url ~ '[^ ]'
