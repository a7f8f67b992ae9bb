-- check: deals.won_without_amount
-- severity: info
-- table: public.deals
-- why: A won deal without an amount adds nothing to any total.
-- fix: Enter the amount where it is known.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, stage from public.deals where coalesce(amount, 0) = 0

),

stages as (

    select legacy_stage from migration.stages where stage = 'closed_won'

)

select
    deals.id,
    'amount is null or zero' as detail

from deals

inner join stages
    on stages.legacy_stage = deals.stage
