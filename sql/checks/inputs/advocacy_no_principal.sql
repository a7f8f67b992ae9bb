-- check: inputs.advocacy_no_principal
-- severity: blocker
-- table: migration.advocacy
-- why: A line of advocacy.csv takes a company for a principal that organizations.csv doesn't make one; the target's
--  rules would refuse the row.
-- fix: Give the company is_principal true in organizations.csv, or correct principal_organization_id in
--  advocacy.csv.
-- returns: one row per line of advocacy.csv (line, detail)

with

advocacy as (

    select line, principal_organization_id from migration.advocacy

),

organizations as (

    select company_id from migration.organizations where is_principal

)

select
    advocacy.line,
    'company ' || cast(advocacy.principal_organization_id as text) || ' is no principal by organizations.csv' as detail

from advocacy

left join organizations
    on organizations.company_id = advocacy.principal_organization_id

where organizations.company_id is null
