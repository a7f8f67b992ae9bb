-- check: contacts.null_tag
-- severity: warning
-- table: public.contacts
-- why: A null inside contacts.tags stands for nobody; a client that reads the list may trip over it.
-- fix: update public.contacts set tags = array_remove(tags, null) where id = …
-- returns: one row per contact (id, detail)

with

contacts as (

    select id, unnest(tags) as tag_id from public.contacts

)

select
    id,
    'nulls in tags: ' || cast(count(*) as text) as detail

from contacts

where tag_id is null

group by id
