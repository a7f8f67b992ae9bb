-- check: inputs.products_no_principal
-- severity: blocker
-- table: migration.products
-- why: A line of products.csv takes a company for a principal that organizations.csv doesn't make one; the target's
--  rules would refuse the row.
-- fix: Give the company is_principal true in organizations.csv, or correct principal_id in products.csv.
-- returns: one row per line of products.csv (line, detail)

with

products as (

    select line, principal_id from migration.products

),

organizations as (

    select company_id from migration.organizations where is_principal

)

select
    products.line,
    'company ' || cast(products.principal_id as text) || ' is no principal by organizations.csv' as detail

from products

left join organizations
    on organizations.company_id = products.principal_id

where organizations.company_id is null
