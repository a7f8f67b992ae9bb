-- model: contact_organizations_from_deals
-- target: public.contact_organizations
-- mode: insert
-- driver: public.contacts.id
-- key: contact_id, organization_id
-- rows: more
-- why: With the setting link_deal_contacts, a contact also belongs to each other company on whose deals it stands.

with

contacts as (

    select id, company_id, sales_id from public.contacts

),

options as (

    select value from migration.options where name = 'link_deal_contacts'

),

deals as (

    select company_id, contact_ids from public.deals where company_id is not null

),

pairs as (

    select distinct linked.contact_id, deals.company_id
    from deals
    cross join lateral unnest(deals.contact_ids) as linked (contact_id)
    where exists (select 1 from options where options.value)

)

select
    -- ids
    contacts.id as contact_id,
    pairs.company_id as organization_id,
    contacts.sales_id as created_by,

    -- facts
    false as is_primary_contact

from contacts

inner join pairs
    on pairs.contact_id = contacts.id

where contacts.company_id is distinct from pairs.company_id
