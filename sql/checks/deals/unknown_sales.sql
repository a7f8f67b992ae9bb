-- check: deals.unknown_sales
-- severity: blocker
-- table: public.deals
-- why: A deal that points to a user that is gone breaks a foreign key, which the migration cannot load.
-- fix: Set deals.sales_id to a user that exists, or to null where that is allowed; then validate the foreign key.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, sales_id from public.deals where sales_id is not null

),

sales as (

    select id from public.sales

)

select
    deals.id,
    'user ' || cast(deals.sales_id as text) || ' does not exist' as detail

from deals

left join sales
    on sales.id = deals.sales_id

where sales.id is null
