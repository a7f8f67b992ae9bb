-- check: deals.repeated_contact
-- severity: info
-- table: public.deals
-- why: An id that stands twice in deals.contact_ids counts once in the target.
-- fix: Rewrite deals.contact_ids with each id once.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, unnest(contact_ids) as contact_id from public.deals

),

counted as (

    select
        id,
        count(contact_id) - count(distinct contact_id) as repeated

    from deals

    group by id

)

select
    id,
    'ids that contact_ids repeats: ' || cast(repeated as text) as detail

from counted

where repeated > 0
