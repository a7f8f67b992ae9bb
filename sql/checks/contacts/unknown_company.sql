-- check: contacts.unknown_company
-- severity: blocker
-- table: public.contacts
-- why: A contact that points to a company that is gone breaks a foreign key, which the migration cannot load.
-- fix: Set contacts.company_id to a company that exists, or to null where that is allowed; then validate the foreign
--  key.
-- returns: one row per contact (id, detail)

with

contacts as (

    select id, company_id from public.contacts where company_id is not null

),

companies as (

    select id from public.companies

)

select
    contacts.id,
    'company ' || cast(contacts.company_id as text) || ' does not exist' as detail

from contacts

left join companies
    on companies.id = contacts.company_id

where companies.id is null
