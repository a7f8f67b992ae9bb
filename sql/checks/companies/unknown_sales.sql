-- check: companies.unknown_sales
-- severity: blocker
-- table: public.companies
-- why: A company that points to a user that is gone breaks a foreign key, which the migration cannot load.
-- fix: Set companies.sales_id to a user that exists, or to null where that is allowed; then validate the foreign
--  key.
-- returns: one row per company (id, detail)

with

companies as (

    select id, sales_id from public.companies where sales_id is not null

),

sales as (

    select id from public.sales

)

select
    companies.id,
    'user ' || cast(companies.sales_id as text) || ' does not exist' as detail

from companies

left join sales
    on sales.id = companies.sales_id

where sales.id is null
