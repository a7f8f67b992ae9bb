-- check: tags.duplicate_name
-- severity: warning
-- table: public.tags
-- why: Two tags of one name split the contacts that people mean to find by it.
-- fix: Replace the id in contacts.tags by that of the first tag, then delete this one.
-- returns: one row per tag but the first of those with one name (id, detail)

with

tags as (

    select id, lower(btrim(name, ' ')) as folded from public.tags

),

twins as (

    select
        id,
        folded,
        min(id) over (partition by folded) as first_id

    from tags

    where folded <> ''

)

select
    id,
    'same name as tag ' || cast(first_id as text) as detail

from twins

where id <> first_id
