-- model: contact_preferred_principals
-- target: public.contact_preferred_principals
-- mode: insert
-- driver: public.contacts.id
-- key: contact_id, principal_organization_id
-- rows: fewer
-- why: Which principals a contact champions, as the analyst's advocacy.csv says.

with

contacts as (

    select id, sales_id from public.contacts

),

advocacy as (

    select contact_id, principal_organization_id, advocacy_strength, advocacy_notes, relationship_type
    from migration.advocacy

)

select
    -- ids
    contacts.id as contact_id,
    advocacy.principal_organization_id,
    contacts.sales_id as created_by,

    -- facts
    coalesce(advocacy.advocacy_strength, 5) as advocacy_strength,
    advocacy.advocacy_notes,
    advocacy.relationship_type

from contacts

inner join advocacy
    on advocacy.contact_id = contacts.id
