-- check: deals.updated_before_created
-- severity: info
-- table: public.deals
-- why: A closed opportunity takes its actual closing date from updated_at, which cannot lie before its creation.
-- fix: Correct one of the dates.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, updated_at, created_at
    from public.deals
    where created_at between timestamptz '1970-01-01 00:00+00' and timestamptz '2100-01-01 00:00+00'

)

select
    id,
    'updated_at lies before created_at' as detail

from deals

where updated_at < created_at
