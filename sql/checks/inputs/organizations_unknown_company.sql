-- check: inputs.organizations_unknown_company
-- severity: blocker
-- table: migration.organizations
-- why: A line of organizations.csv names a company that isn't in the source; the row made from it would break a
--  foreign key, or be lost.
-- fix: Correct company_id in organizations.csv, or remove the line.
-- returns: one row per line of organizations.csv (line, detail)

with

organizations as (

    select line, company_id from migration.organizations

),

companies as (

    select id from public.companies

)

select
    organizations.line,
    'company ' || cast(organizations.company_id as text) || ' does not exist' as detail

from organizations

left join companies
    on companies.id = organizations.company_id

where companies.id is null
