-- check: tags.blank_name
-- severity: warning
-- table: public.tags
-- why: A tag without a name cannot be told from another one.
-- fix: Name the tag, or delete it and take its id out of contacts.tags.
-- returns: one row per tag (id, detail)

with

tags as (

    select id, name from public.tags

)

select
    id,
    'name is blank' as detail

from tags

where name !~ '\S'
