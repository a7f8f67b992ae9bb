-- check: deals.without_owner
-- severity: info
-- table: public.deals
-- why: An open deal without a user has nobody who works on it.
-- fix: Give the deal to a user.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, stage from public.deals where sales_id is null and archived_at is null

),

stages as (

    select legacy_stage from migration.stages where stage in ('closed_won', 'closed_lost')

)

select
    deals.id,
    'sales_id is null' as detail

from deals

left join stages
    on stages.legacy_stage = deals.stage

where stages.legacy_stage is null
