-- step: 50_rules
-- why: Every rule has its trigger, and each is in force.

with

expected as (

    select relation, name
    from (
        values
        ('opportunities', 'zz_opportunities_follow_on_insert'),
        ('opportunities', 'zz_opportunities_follow_on_update'),
        ('opportunities', 'zz_opportunities_search_on_insert'),
        ('opportunities', 'zz_opportunities_search_on_update'),
        ('opportunities', 'opportunities_touch_updated_at'),
        ('companies', 'zz_companies_search_on_insert'),
        ('companies', 'zz_companies_search_on_update'),
        ('companies', 'companies_refuse_cycle_on_insert'),
        ('companies', 'companies_refuse_cycle_on_update'),
        ('contacts', 'zz_contacts_search_on_insert'),
        ('contacts', 'zz_contacts_search_on_update')
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
