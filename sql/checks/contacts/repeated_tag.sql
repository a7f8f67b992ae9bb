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

counted as (

    select
        id,
        count(tag_id) - count(distinct tag_id) as repeated

    from contacts

    group by id

)

select
    id,
    'ids that tags repeats: ' || cast(repeated as text) as detail

from counted

where repeated > 0
