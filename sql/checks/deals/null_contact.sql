-- check: deals.null_contact
-- severity: warning
-- table: public.deals
-- why: A null inside deals.contact_ids stands for nobody; a client that reads the list may trip over it.
-- fix: update public.deals set contact_ids = array_remove(contact_ids, null) where id = …
-- returns: one row per deal (id, detail)

with

deals as (

    select id, contact_ids from public.deals where contact_ids is not null

)

select
    deals.id,
    'nulls in contact_ids: ' || cast(count(*) as text) as detail

from deals

cross join unnest(deals.contact_ids) as referenced (contact_id)

where referenced.contact_id is null

group by deals.id
