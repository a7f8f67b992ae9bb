-- check: contacts.unknown_tag
-- severity: warning
-- table: public.contacts
-- why: No foreign key holds contacts.tags. An id in it that leads nowhere is carried over, and stands for nothing.
-- fix: Take the ids that do not exist out of contacts.tags with array_remove().
-- returns: one row per contact (id, detail)

with

contacts as (

    select id, unnest(tags) as tag_id from public.contacts

),

tags as (

    select id from public.tags

),

dangling as (

    select distinct
        contacts.id,
        contacts.tag_id

    from contacts

    left join tags
        on tags.id = contacts.tag_id

    where contacts.tag_id is not null and tags.id is null

)

select
    id,
    'tags names what does not exist: '
    || string_agg(cast(tag_id as text), ', ' order by tag_id) as detail

from dangling

group by id
