-- check: contacts.without_company
-- severity: info
-- table: public.contacts
-- why: A contact without a company gets no membership of an organisation; its notes and tasks have no organisation.
-- fix: Nothing has to be done; set contacts.company_id where it is known.
-- returns: one row per contact (id, detail)

with

contacts as (

    select id, company_id from public.contacts

)

select
    id,
    'company_id is null' as detail

from contacts

where company_id is null
