-- check: inputs.organizations_seller_buys
-- severity: warning
-- table: migration.organizations
-- why: A customer is neither principal nor distributor, but organizations.csv makes one of a company that has deals. It
--  stays the customer of those opportunities, and is called what the file says.
-- fix: Correct the roles in organizations.csv, or the company of the deals.
-- returns: one row per line of organizations.csv (line, detail)

with

organizations as (

    select line, company_id from migration.organizations where is_principal or is_distributor

),

deals as (

    select company_id, count(*) as number_of_deals
    from public.deals
    where company_id is not null
    group by company_id

)

select
    organizations.line,
    'company ' || cast(organizations.company_id as text) || ' is the customer of '
    || cast(deals.number_of_deals as text) || ' deal(s)' as detail

from organizations

inner join deals
    on deals.company_id = organizations.company_id
