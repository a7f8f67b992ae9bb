-- step: 40_rules
-- why: Every rule has its trigger, and each is in force.

with

expected as (

    select relation, name
    from (
        values
        ('companies', 'companies_keep_principal'),
        ('companies', 'companies_keep_distributor'),
        ('products', 'check_principal_organization'),
        ('products', 'check_principal_organization_on_update'),
        ('products', 'products_touch_updated_at'),
        ('principal_distributor_relationships', 'check_principal_organization'),
        ('principal_distributor_relationships', 'check_principal_organization_on_update'),
        ('principal_distributor_relationships', 'check_distributor_organization'),
        ('principal_distributor_relationships', 'check_distributor_organization_on_update'),
        ('principal_distributor_relationships', 'principal_distributor_relationships_touch_updated_at')
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
