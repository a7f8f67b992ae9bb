-- check: inputs.opportunity_roles_own_customer
-- severity: blocker
-- table: migration.opportunity_roles
-- why: A line of opportunity_roles.csv makes the company that buys a principal or distributor of the same opportunity;
--  nobody sells to itself.
-- fix: Correct principal_id or distributor_id in opportunity_roles.csv, or the company of the deal.
-- returns: one row per line of opportunity_roles.csv and role (line, detail)

with

opportunity_roles as (

    select line, opportunity_id, principal_id, distributor_id from migration.opportunity_roles

),

deals as (

    select id, company_id from public.deals where company_id is not null

)

select
    opportunity_roles.line,
    'principal_id: company ' || cast(deals.company_id as text) || ' is the customer of deal '
    || cast(deals.id as text) as detail

from opportunity_roles

inner join deals
    on deals.id = opportunity_roles.opportunity_id and deals.company_id = opportunity_roles.principal_id

union all

select
    opportunity_roles.line,
    'distributor_id: company ' || cast(deals.company_id as text) || ' is the customer of deal '
    || cast(deals.id as text) as detail

from opportunity_roles

inner join deals
    on deals.id = opportunity_roles.opportunity_id and deals.company_id = opportunity_roles.distributor_id
