-- check: inputs.relationships_no_principal
-- severity: blocker
-- table: migration.relationships
-- why: A line of relationships.csv takes a company for a principal that organizations.csv doesn't make one; the
--  target's rules would refuse the row.
-- fix: Give the company is_principal true in organizations.csv, or correct principal_id in relationships.csv.
-- returns: one row per line of relationships.csv (line, detail)

with

relationships as (

    select line, principal_id from migration.relationships

),

organizations as (

    select company_id from migration.organizations where is_principal

)

select
    relationships.line,
    'company ' || cast(relationships.principal_id as text) || ' is no principal by organizations.csv' as detail

from relationships

left join organizations
    on organizations.company_id = relationships.principal_id

where organizations.company_id is null
