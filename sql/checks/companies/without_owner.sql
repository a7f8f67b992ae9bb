-- check: companies.without_owner
-- severity: info
-- table: public.companies
-- why: A company without a user is nobody's; the rows that are made of it have no created_by.
-- fix: Nothing has to be done; set sales_id where somebody looks after it.
-- returns: one row per company (id, detail)

with

companies as (

    select id, sales_id from public.companies

)

select
    id,
    'sales_id is null' as detail

from companies

where sales_id is null
