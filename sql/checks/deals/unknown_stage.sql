-- check: deals.unknown_stage
-- severity: warning
-- table: public.deals
-- why: A stage that the stage mapping doesn't know becomes 'lead'; the text itself is kept in legacy_stage.
-- fix: Add the stage to mappings/stages.csv, or correct deals.stage.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, stage from public.deals

),

stages as (

    select legacy_stage from migration.stages

)

select
    deals.id,
    'stage ' || quote_literal(left(deals.stage, 60)) || ' is not mapped' as detail

from deals

left join stages
    on stages.legacy_stage = deals.stage

where stages.legacy_stage is null
