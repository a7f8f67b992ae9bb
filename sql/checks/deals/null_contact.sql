-- check: deals.null_contact
-- severity: warning
-- table: public.deals
-- why: A null inside deals.contact_ids stands for nobody; a client that reads the list may trip over it.
-- fix: update public.deals set contact_ids = array_remove(contact_ids, null) where id = …
-- returns: one row per deal (id, detail)

with

deals as (

    select id, unnest(contact_ids) as contact_id from public.deals

)

select
    id,
    'nulls in contact_ids: ' || cast(count(*) as text) as detail

from deals

where contact_id is null

group by id
