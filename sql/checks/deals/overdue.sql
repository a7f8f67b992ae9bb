-- check: deals.overdue
-- severity: info
-- table: public.deals
-- why: An open deal whose expected closing date has passed keeps it, and stands in no forecast of the future.
-- fix: Nothing has to be done; enter a new date, or close the deal.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, stage from public.deals where expected_closing_date < now() - interval '1 day' and archived_at is null

),

stages as (

    select legacy_stage from migration.stages where stage in ('closed_won', 'closed_lost')

)

select
    deals.id,
    'expected_closing_date has passed' as detail

from deals

left join stages
    on stages.legacy_stage = deals.stage

where stages.legacy_stage is null
