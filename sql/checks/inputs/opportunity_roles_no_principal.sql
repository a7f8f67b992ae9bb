-- check: inputs.opportunity_roles_no_principal
-- severity: blocker
-- table: migration.opportunity_roles
-- why: A line of opportunity_roles.csv takes a company for a principal that organizations.csv doesn't make one; the
--  target's rules would refuse the row.
-- fix: Give the company is_principal true in organizations.csv, or correct principal_id in opportunity_roles.csv.
-- returns: one row per line of opportunity_roles.csv (line, detail)

with

opportunity_roles as (

    select line, principal_id from migration.opportunity_roles where principal_id is not null

),

organizations as (

    select company_id from migration.organizations where is_principal

)

select
    opportunity_roles.line,
    'company ' || cast(opportunity_roles.principal_id as text) || ' is no principal by organizations.csv' as detail

from opportunity_roles

left join organizations
    on organizations.company_id = opportunity_roles.principal_id

where organizations.company_id is null
