-- check: companies.without_deals
-- severity: info
-- table: public.companies
-- why: A company without a deal becomes a prospect unless organizations.csv says otherwise.
-- fix: Nothing has to be done; list it in organizations.csv where it is something else.
-- returns: one row per company (id, detail)

with

companies as (

    select id from public.companies

),

deals as (

    select company_id from public.deals where company_id is not null

),

organizations as (

    select company_id from migration.organizations

)

select
    companies.id,
    'becomes a prospect' as detail

from companies

where not exists (select 1 from deals where deals.company_id = companies.id)
    and not exists (select 1 from organizations where organizations.company_id = companies.id)
