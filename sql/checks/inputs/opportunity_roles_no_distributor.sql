-- check: inputs.opportunity_roles_no_distributor
-- severity: blocker
-- table: migration.opportunity_roles
-- why: A line of opportunity_roles.csv takes a company for a distributor that organizations.csv doesn't make one;
--  the target's rules would refuse the row.
-- fix: Give the company is_distributor true in organizations.csv, or correct distributor_id in
--  opportunity_roles.csv.
-- returns: one row per line of opportunity_roles.csv (line, detail)

with

opportunity_roles as (

    select line, distributor_id from migration.opportunity_roles where distributor_id is not null

),

organizations as (

    select company_id from migration.organizations where is_distributor

)

select
    opportunity_roles.line,
    'company ' || cast(opportunity_roles.distributor_id as text) || ' is no distributor by organizations.csv' as detail

from opportunity_roles

left join organizations
    on organizations.company_id = opportunity_roles.distributor_id

where organizations.company_id is null
