-- step: 40_rules
-- why: Every rule has its trigger, and each is in force.

with

expected as (

    select relation, name
    from (
        values
        ('contact_preferred_principals', 'check_principal_organization'),
        ('contact_preferred_principals', 'check_principal_organization_on_update'),
        ('contact_preferred_principals', 'contact_preferred_principals_touch_updated_at'),
        ('contact_organizations', 'contact_organizations_touch_updated_at'),
        ('contact_organizations', 'contact_organizations_yield_on_insert'),
        ('contact_organizations', 'contact_organizations_yield_on_update'),
        ('contact_organizations', 'contact_organizations_follow_on_insert'),
        ('contact_organizations', 'contact_organizations_follow_on_update'),
        ('contact_organizations', 'contact_organizations_follow_on_delete'),
        ('contacts', 'contacts_follow_on_insert'),
        ('contacts', 'contacts_follow_on_update'),
        ('companies', 'companies_take_contacts_along')
    ) as listed (relation, name)

)

select
    format('trigger %s on public.%s', expected.name, expected.relation) as object,
    'is missing or disabled' as problem

from expected

left join pg_catalog.pg_trigger as triggers
    on triggers.tgrelid = to_regclass('public.' || expected.relation)
        and triggers.tgname = expected.name
        and triggers.tgenabled <> 'D'

where triggers.tgname is null
