-- step: 20_renames
-- why: The tables have their new names, the views their old ones and can be written through, no name stayed behind. A
--  view that `cleanup --compatibility` took away lies in schema migration, for the way back.

with

expected as (

    select name, kind
    from (
        values ('opportunities', 'r'), ('opportunityNotes', 'r'), ('deals', 'v'), ('dealNotes', 'v')
    ) as listed (name, kind)

),

relations as (

    select relname as name, relkind::text as kind, oid, reloptions
    from pg_catalog.pg_class
    where relnamespace = 'public'::regnamespace
        or oid in (to_regclass('migration.deals'), to_regclass('migration."dealNotes"'))

)

select
    'public.' || expected.name as object,
    'is not there, or is of another kind' as problem

from expected

left join relations
    on relations.name = expected.name and relations.kind = expected.kind

where relations.name is null

union all

select
    'public.' || relations.name as object,
    'cannot be inserted into, updated and deleted from, or runs with its owner''s rights' as problem

from relations

where relations.name in ('deals', 'dealNotes')
    and (
        pg_catalog.pg_relation_is_updatable(relations.oid, false) & 28 <> 28
        or not coalesce(relations.reloptions @> array['security_invoker=on'], false)
    )

union all

select
    renames.kind || ' ' || renames.old_name as object,
    'still has its old name' as problem

from migration.renames as renames

inner join pg_catalog.pg_constraint as constraints
    on renames.kind = 'constraint'
        and constraints.conname = renames.old_name
        and constraints.conrelid = to_regclass('public.' || quote_ident(renames.relation))
