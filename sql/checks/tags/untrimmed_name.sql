-- check: tags.untrimmed_name
-- severity: info
-- table: public.tags
-- why: Blanks around a name hide it from whoever looks for it by its beginning, and sort it to the wrong place.
-- fix: Remove the blanks; `crm-migrate fixes` writes the statement.
-- returns: one row per tag (id, detail)

with

tags as (

    select id, name from public.tags

)

select
    id,
    'name begins or ends with a blank' as detail

from tags

where (name like ' %' or name like '% ') and name ~ '\S'
