-- step: 40_rules
-- why: Every rule has its trigger, and each is in force.

with

expected as (

    select relation, name
    from (
        values
        ('activities', 'activities_found_on_insert'),
        ('activities', 'activities_found_on_update'),
        ('activities', 'activities_touch_updated_at'),
        ('interaction_participants', 'interaction_participants_touch_updated_at')
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
