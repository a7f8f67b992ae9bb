-- check: deals.open_and_archived
-- severity: info
-- table: public.deals
-- why: An archived deal that is neither won nor lost stays an open opportunity, which the board does not show.
-- fix: Nothing has to be done; set the stage to lost where it was given up.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, stage from public.deals where archived_at is not null

),

stages as (

    select legacy_stage from migration.stages where stage in ('closed_won', 'closed_lost')

)

select
    deals.id,
    'archived, but neither won nor lost' as detail

from deals

left join stages
    on stages.legacy_stage = deals.stage

where stages.legacy_stage is null
