-- check: companies.without_contacts
-- severity: info
-- table: public.companies
-- why: An organisation ought to have contacts; there is nobody to talk to at this one.
-- fix: Nothing has to be done; add a contact where one is known.
-- returns: one row per company (id, detail)

with

companies as (

    select id from public.companies

),

contacts as (

    select company_id from public.contacts where company_id is not null

)

select
    companies.id,
    'no contact belongs to it' as detail

from companies

where not exists (select 1 from contacts where contacts.company_id = companies.id)
