-- check: inputs.opportunity_roles_unknown_opportunity
-- severity: blocker
-- table: migration.opportunity_roles
-- why: A line of opportunity_roles.csv names a deal that isn't in the source; the row made from it would break a
--  foreign key, or be lost.
-- fix: Correct opportunity_id in opportunity_roles.csv, or remove the line.
-- returns: one row per line of opportunity_roles.csv (line, detail)

with

opportunity_roles as (

    select line, opportunity_id from migration.opportunity_roles

),

deals as (

    select id from public.deals

)

select
    opportunity_roles.line,
    'deal ' || cast(opportunity_roles.opportunity_id as text) || ' does not exist' as detail

from opportunity_roles

left join deals
    on deals.id = opportunity_roles.opportunity_id

where deals.id is null
