-- check: deals.repeated_contact
-- severity: info
-- table: public.deals
-- why: An id that stands twice in deals.contact_ids counts once in the target.
-- fix: Rewrite deals.contact_ids with each id once.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, contact_ids from public.deals where contact_ids is not null

),

counted as (

    select
        deals.id,
        count(referenced.contact_id) - count(distinct referenced.contact_id) as repeated

    from deals

    cross join unnest(deals.contact_ids) as referenced (contact_id)

    group by deals.id

)

select
    id,
    'ids that contact_ids repeats: ' || cast(repeated as text) as detail

from counted

where repeated > 0
