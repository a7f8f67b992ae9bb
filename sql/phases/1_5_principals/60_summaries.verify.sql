-- step: 60_summaries
-- why: The three summaries are there, run with the caller's rights, and begin with the columns that old clients know.

with

expected as (

    select unnest(array['companies_summary', 'contacts_summary', 'opportunities_summary']) as name

),

views as (

    select relname as name
    from pg_catalog.pg_class
    where relnamespace = 'public'::regnamespace and relkind = 'v' and reloptions @> array['security_invoker=on']

),

legacy_columns as (

    select
        classes.relname as relation,
        attributes.attname as name,
        attributes.attnum as position,
        attributes.atttypid as kind
    from pg_catalog.pg_attribute as attributes
    inner join pg_catalog.pg_class as classes on classes.oid = attributes.attrelid
    where attributes.attnum > 0
        and attributes.attrelid in (
            to_regclass('migration.companies_summary'), to_regclass('migration.contacts_summary')
        )

)

select
    'view public.' || expected.name as object,
    'is missing, or runs with its owner''s rights' as problem

from expected

left join views
    on views.name = expected.name

where views.name is null

union all

select
    format('column %s of public.%s', legacy_columns.name, legacy_columns.relation) as object,
    'is missing, or has another place or type than before' as problem

from legacy_columns

left join pg_catalog.pg_attribute as attributes
    on attributes.attrelid = to_regclass('public.' || legacy_columns.relation)
        and attributes.attname = legacy_columns.name
        and attributes.attnum = legacy_columns.position
        and attributes.atttypid = legacy_columns.kind

where attributes.attname is null
