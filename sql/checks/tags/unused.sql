-- check: tags.unused
-- severity: info
-- table: public.tags
-- why: No contact has this tag; it is carried over and stands in every list to choose from.
-- fix: Nothing has to be done; delete it where nobody will use it.
-- returns: one row per tag (id, detail)

with

tags as (

    select id from public.tags

),

contacts as (

    select id, unnest(tags) as tag_id from public.contacts

),

used as (

    select distinct tag_id from contacts

)

select
    tags.id,
    'no contact has it' as detail

from tags

left join used
    on used.tag_id = tags.id

where used.tag_id is null
