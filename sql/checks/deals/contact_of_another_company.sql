-- check: deals.contact_of_another_company
-- severity: info
-- table: public.deals
-- why: A contact of another company on a deal is how one person works for two; with link_deal_contacts it becomes a
--  second membership.
-- fix: Nothing has to be done; set link_deal_contacts where these are real memberships.
-- returns: one row per deal (id, detail)

with

deals as (

    select
        id,
        company_id,
        unnest(contact_ids) as contact_id
    from public.deals
    where company_id is not null

),

contacts as (

    select id, company_id from public.contacts where company_id is not null

)

select
    deals.id,
    'contacts of another company: ' || cast(count(distinct contacts.id) as text) as detail

from deals

inner join contacts
    on contacts.id = deals.contact_id

where contacts.company_id <> deals.company_id

group by deals.id
