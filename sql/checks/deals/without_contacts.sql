-- check: deals.without_contacts
-- severity: info
-- table: public.deals
-- why: An opportunity ought to have contacts; nobody is to be asked about this one.
-- fix: Nothing has to be done; name the contacts where they are known.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, contact_ids from public.deals

)

select
    id,
    'contact_ids is empty' as detail

from deals

where coalesce(cardinality(contact_ids), 0) = 0
