-- check: deals.unknown_company
-- severity: blocker
-- table: public.deals
-- why: A deal that points to a company that is gone breaks a foreign key, which the migration cannot load.
-- fix: Set deals.company_id to a company that exists, or to null where that is allowed; then validate the foreign
--  key.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, company_id from public.deals where company_id is not null

),

companies as (

    select id from public.companies

)

select
    deals.id,
    'company ' || cast(deals.company_id as text) || ' does not exist' as detail

from deals

left join companies
    on companies.id = deals.company_id

where companies.id is null
