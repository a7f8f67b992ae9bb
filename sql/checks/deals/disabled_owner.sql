-- check: deals.disabled_owner
-- severity: info
-- table: public.deals
-- why: An open deal of a user who is disabled has nobody who works on it.
-- fix: Hand the deal over to another user.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, stage, sales_id from public.deals where archived_at is null

),

sales as (

    select id from public.sales where disabled

),

stages as (

    select legacy_stage from migration.stages where stage in ('closed_won', 'closed_lost')

)

select
    deals.id,
    'user ' || cast(sales.id as text) || ' is disabled' as detail

from deals

inner join sales
    on sales.id = deals.sales_id

left join stages
    on stages.legacy_stage = deals.stage

where stages.legacy_stage is null
