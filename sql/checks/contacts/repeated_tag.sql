-- check: contacts.repeated_tag
-- severity: info
-- table: public.contacts
-- why: An id that stands twice in contacts.tags counts once in the target.
-- fix: Rewrite contacts.tags with each id once.
-- returns: one row per contact (id, detail)

with

contacts as (

    select id, tags from public.contacts where tags is not null

),

counted as (

    select
        contacts.id,
        count(referenced.tag_id) - count(distinct referenced.tag_id) as repeated

    from contacts

    cross join unnest(contacts.tags) as referenced (tag_id)

    group by contacts.id

)

select
    id,
    'ids that tags repeats: ' || cast(repeated as text) as detail

from counted

where repeated > 0
