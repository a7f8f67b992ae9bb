-- check: deals.archived_before_created
-- severity: info
-- table: public.deals
-- why: A deal is not archived before it was entered.
-- fix: Correct one of the dates.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, archived_at, created_at from public.deals

)

select
    id,
    'archived_at lies before created_at' as detail

from deals

where archived_at < created_at and created_at < timestamptz '2100-01-01 00:00+00'
