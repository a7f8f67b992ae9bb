-- step: 40_rules
-- why: Every rule has its trigger, and each is in force.

with

expected as (

    select relation, name
    from (
        values
        ('opportunity_participants', 'check_principal_organization'),
        ('opportunity_participants', 'check_principal_organization_on_update'),
        ('opportunity_participants', 'check_distributor_organization'),
        ('opportunity_participants', 'check_distributor_organization_on_update'),
        ('opportunity_participants', 'opportunity_participants_touch_updated_at'),
        ('opportunity_products', 'opportunity_products_touch_updated_at'),
        ('opportunity_participants', 'opportunity_participants_follow_on_insert'),
        ('opportunity_participants', 'opportunity_participants_follow_on_update'),
        ('opportunity_participants', 'opportunity_participants_follow_on_delete'),
        ('opportunities', 'opportunities_tell_participants_on_insert'),
        ('opportunities', 'opportunities_tell_participants_on_update')
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
