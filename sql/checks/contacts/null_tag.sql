-- check: contacts.null_tag
-- severity: warning
-- table: public.contacts
-- why: A null inside contacts.tags stands for nobody; a client that reads the list may trip over it.
-- fix: update public.contacts set tags = array_remove(tags, null) where id = …
-- returns: one row per contact (id, detail)

with

contacts as (

    select id, tags from public.contacts where tags is not null

)

select
    contacts.id,
    'nulls in tags: ' || cast(count(*) as text) as detail

from contacts

cross join unnest(contacts.tags) as referenced (tag_id)

where referenced.tag_id is null

group by contacts.id
