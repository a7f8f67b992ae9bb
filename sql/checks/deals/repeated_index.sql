-- check: deals.repeated_index
-- severity: info
-- table: public.deals
-- why: Two deals in one place of one stage: the board shows them in any order, another one after each reload.
-- fix: Nothing has to be done; dropping one of the cards numbers the stage anew.
-- returns: one row per deal but the first of those in one place (id, detail)

with

deals as (

    select id, stage, index from public.deals where archived_at is null and index is not null

),

shared as (

    select
        stage,
        index,
        min(id) as first_id

    from deals

    group by stage, index

    having count(*) > 1

)

select
    deals.id,
    'same stage and index as deal ' || cast(shared.first_id as text) as detail

from deals

inner join shared
    on shared.stage = deals.stage and shared.index = deals.index

where deals.id <> shared.first_id
