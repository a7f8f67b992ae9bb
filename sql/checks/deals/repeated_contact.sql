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

repeated as (

    select
        id,
        count(*) - 1 as times

    from deals

    where contact_id is not null

    group by id, contact_id

    having count(*) > 1

)

select
    id,
    'ids that contact_ids repeats: ' || cast(sum(times) as text) as detail

from repeated

group by id
