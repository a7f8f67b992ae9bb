-- check: tags_color_backup.unknown_tag
-- severity: info
-- table: public.tags_color_backup
-- why: The copy of the tag colours tells of a tag that is gone; nobody reads it any more.
-- fix: Nothing has to be done.
-- returns: one row per tag (id, detail)

with

copies as (

    select distinct id from public.tags_color_backup where id is not null

),

tags as (

    select id from public.tags

)

select
    copies.id,
    'tag ' || cast(copies.id as text) || ' does not exist' as detail

from copies

left join tags
    on tags.id = copies.id

where tags.id is null
