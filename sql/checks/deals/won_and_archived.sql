-- check: deals.won_and_archived
-- severity: info
-- table: public.deals
-- why: A won deal that was archived stays won and archived: it counts in every total, and the board does not show it.
-- fix: Nothing has to be done.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, stage from public.deals where archived_at is not null

),

stages as (

    select legacy_stage from migration.stages where stage = 'closed_won'

)

select
    deals.id,
    'won and archived' as detail

from deals

inner join stages
    on stages.legacy_stage = deals.stage
