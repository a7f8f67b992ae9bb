-- check: inputs.relationships_no_distributor
-- severity: blocker
-- table: migration.relationships
-- why: A line of relationships.csv takes a company for a distributor that organizations.csv doesn't make one; the
--  target's rules would refuse the row.
-- fix: Give the company is_distributor true in organizations.csv, or correct distributor_id in relationships.csv.
-- returns: one row per line of relationships.csv (line, detail)

with

relationships as (

    select line, distributor_id from migration.relationships

),

organizations as (

    select company_id from migration.organizations where is_distributor

)

select
    relationships.line,
    'company ' || cast(relationships.distributor_id as text) || ' is no distributor by organizations.csv' as detail

from relationships

left join organizations
    on organizations.company_id = relationships.distributor_id

where organizations.company_id is null
