-- check: companies.without_address
-- severity: info
-- table: public.companies
-- why: Neither website, telephone, city nor e-mail of a contact says where this organisation is.
-- fix: Nothing has to be done; enter what is known.
-- returns: one row per company (id, detail)

with

companies as (

    select id, concat(website, phone_number, linkedin_url, address, city) as address from public.companies

)

select
    id,
    'website, phone_number, linkedin_url, address and city are blank' as detail

from companies

where address !~ '\S'
