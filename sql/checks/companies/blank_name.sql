-- check: companies.blank_name
-- severity: warning
-- table: public.companies
-- why: An organisation without a name can neither be found nor be chosen as a customer, principal or distributor.
-- fix: Name the company.
-- returns: one row per company (id, detail)

with

companies as (

    select id, name from public.companies

)

select
    id,
    'name is blank' as detail

from companies

where name !~ '\S'
