-- check: tags.invalid_color
-- severity: info
-- table: public.tags
-- why: The migration of tag colours was not applied, or not to this tag; the application shows it without a colour.
-- fix: Apply the migration of tag colours, or choose a colour of the list.
-- returns: one row per tag (id, detail)

with

tags as (

    select id, color from public.tags

)

select
    id,
    'color ' || quote_literal(left(color, 60)) || ' is in no list' as detail

from tags

where color not in ('warm', 'green', 'teal', 'blue', 'purple', 'yellow', 'gray', 'pink')
