-- check: sales.disabled_administrator
-- severity: info
-- table: public.sales
-- why: A disabled user who is still an administrator becomes one again the moment somebody enables the account.
-- fix: Take the role away.
-- returns: one row per user (id, detail)

with

sales as (

    select id, administrator, disabled from public.sales

)

select
    id,
    'administrator, but disabled' as detail

from sales

where administrator and disabled
