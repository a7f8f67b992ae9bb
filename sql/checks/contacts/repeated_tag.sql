-- check: contacts.repeated_tag
-- severity: info
-- table: public.contacts
-- why: An id that stands twice in contacts.tags counts once in the target.
-- fix: Rewrite contacts.tags with each id once.
-- returns: one row per contact (id, detail)

with

contacts as (

    select id, unnest(tags) as tag_id from public.contacts

),

repeated as (

    select
        id,
        count(*) - 1 as times

    from contacts

    where tag_id is not null

    group by id, tag_id

    having count(*) > 1

)

select
    id,
    'ids that tags repeats: ' || cast(sum(times) as text) as detail

from repeated

group by id
