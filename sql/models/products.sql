-- model: products
-- target: public.products
-- mode: insert
-- driver: public.companies.id
-- key: principal_id, name, sku
-- rows: more
-- why: What principals make, as the analyst's products.csv says.

with

companies as (

    select id, sales_id from public.companies

),

products as (

    select
        principal_id,
        name,
        description,
        sku,
        category,
        unit_price,
        unit_cost,
        is_active,
        min_order_quantity
    from migration.products

)

select
    -- ids
    companies.id as principal_id,
    companies.sales_id as created_by,

    -- facts
    products.name,
    products.description,
    products.sku,
    products.category,
    products.unit_price,
    products.unit_cost,
    coalesce(products.is_active, true) as is_active,
    coalesce(products.min_order_quantity, 1) as min_order_quantity

from companies

inner join products
    on products.principal_id = companies.id
