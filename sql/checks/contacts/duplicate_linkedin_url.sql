-- check: contacts.duplicate_linkedin_url
-- severity: info
-- table: public.contacts
-- why: Contacts with one profile at LinkedIn are likely one person; memberships, activities and advocacy would be
--  split between them.
-- fix: Merge the contacts, or correct the address.
-- returns: one row per contact but the first of those with one profile (id, detail)

with

contacts as (

    select id, lower(linkedin_url) as profile from public.contacts where linkedin_url <> ''

),

shared as (

    select
        profile,
        min(id) as first_id

    from contacts

    group by profile

    having count(*) > 1

)

select
    contacts.id,
    'same profile as contact ' || cast(shared.first_id as text) as detail

from contacts

inner join shared
    on shared.profile = contacts.profile

where contacts.id <> shared.first_id and shared.profile like '%/in/%'
