-- model: contact_organizations
-- target: public.contact_organizations
-- mode: insert
-- driver: public.contacts.id
-- key: contact_id, organization_id
-- rows: fewer
-- why: The single company of a contact becomes its primary membership; without this the relationship would be lost.

with

contacts as (

    select id, company_id, sales_id, first_seen from public.contacts where company_id is not null

)

select
    -- ids
    id as contact_id,
    company_id as organization_id,
    sales_id as created_by,

    -- facts
    true as is_primary_contact,

    -- dates
    cast(first_seen at time zone 'UTC' as date) as relationship_start_date

from contacts
