-- check: deals.unknown_contact
-- severity: warning
-- table: public.deals
-- why: No foreign key holds deals.contact_ids. An id in it that leads nowhere is carried over, and stands for
--  nothing.
-- fix: Take the ids that do not exist out of deals.contact_ids with array_remove().
-- returns: one row per deal (id, detail)

with

deals as (

    select id, unnest(contact_ids) as contact_id from public.deals

),

contacts as (

    select id from public.contacts

),

dangling as (

    select distinct
        deals.id,
        deals.contact_id

    from deals

    left join contacts
        on contacts.id = deals.contact_id

    where deals.contact_id is not null and contacts.id is null

)

select
    id,
    'contact_ids names what does not exist: '
    || string_agg(cast(contact_id as text), ', ' order by contact_id) as detail

from dangling

group by id
