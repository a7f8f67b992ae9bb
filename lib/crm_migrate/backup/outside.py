"""What lies in other schemas and hangs on schema public: dropping the one takes the other along."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from crm_migrate import postgres
from crm_migrate.postgres import Connection

_QUERY = """
    with ours as (
        select 'pg_class'::regclass as class, oid as object from pg_catalog.pg_class
        where relnamespace = 'public'::regnamespace and relname not in ('migration_history', 'migration_status')
        union all
        select 'pg_type'::regclass, oid from pg_catalog.pg_type where typnamespace = 'public'::regnamespace
        union all
        select 'pg_proc'::regclass, oid from pg_catalog.pg_proc where pronamespace = 'public'::regnamespace
    ), depending as (
        select distinct depends.classid as class, depends.objid as object
        from pg_catalog.pg_depend as depends
        inner join ours on ours.class = depends.refclassid and ours.object = depends.refobjid
        where depends.deptype in ('n', 'a')
    ), found as (
        select depending.class, depending.object, tables.relnamespace as schema,
            format('trigger %I on %s', triggers.tgname, triggers.tgrelid::regclass) as name,
            pg_get_triggerdef(triggers.oid) || case triggers.tgenabled
                when 'O' then ''
                else format(
                    '; alter table %s %s trigger %I', triggers.tgrelid::regclass, case triggers.tgenabled
                        when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always'
                    end, triggers.tgname
                )
            end as statement
        from depending
        inner join pg_catalog.pg_trigger as triggers
            on depending.class = 'pg_trigger'::regclass and triggers.oid = depending.object and not tgisinternal
        inner join pg_catalog.pg_class as tables on tables.oid = triggers.tgrelid
        union all
        select depending.class, depending.object, tables.relnamespace,
            format('constraint %I on %s', constraints.conname, constraints.conrelid::regclass),
            format(
                'alter table %s add constraint %I %s', constraints.conrelid::regclass, constraints.conname,
                pg_get_constraintdef(constraints.oid)
            )
        from depending
        inner join pg_catalog.pg_constraint as constraints
            on depending.class = 'pg_constraint'::regclass and constraints.oid = depending.object
        inner join pg_catalog.pg_class as tables on tables.oid = constraints.conrelid
        union all
        select depending.class, depending.object, tables.relnamespace,
            format('default of %s.%I', defaults.adrelid::regclass, attributes.attname),
            format(
                'alter table %s alter column %I set default %s', defaults.adrelid::regclass, attributes.attname,
                pg_get_expr(defaults.adbin, defaults.adrelid)
            )
        from depending
        inner join pg_catalog.pg_attrdef as defaults
            on depending.class = 'pg_attrdef'::regclass and defaults.oid = depending.object
        inner join pg_catalog.pg_class as tables on tables.oid = defaults.adrelid
        inner join pg_catalog.pg_attribute as attributes
            on attributes.attrelid = defaults.adrelid and attributes.attnum = defaults.adnum
        union all
        select depending.class, depending.object, tables.relnamespace,
            format('policy %I on %s', policies.polname, policies.polrelid::regclass),
            format(
                'create policy %I on %s as %s for %s to %s%s%s', policies.polname, policies.polrelid::regclass,
                case when policies.polpermissive then 'permissive' else 'restrictive' end, case policies.polcmd
                    when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete'
                    else 'all'
                end, (
                    select string_agg(case role when 0 then 'public' else role::regrole::text end, ', ')
                    from unnest(policies.polroles) as role
                ),
                ' using (' || pg_get_expr(policies.polqual, policies.polrelid) || ')',
                ' with check (' || pg_get_expr(policies.polwithcheck, policies.polrelid) || ')'
            )
        from depending
        inner join pg_catalog.pg_policy as policies
            on depending.class = 'pg_policy'::regclass and policies.oid = depending.object
        inner join pg_catalog.pg_class as tables on tables.oid = policies.polrelid
        union all
        select depending.class, depending.object, views.relnamespace, format('view %s', views.oid::regclass), null
        from depending
        inner join pg_catalog.pg_rewrite as rules
            on depending.class = 'pg_rewrite'::regclass and rules.oid = depending.object
        inner join pg_catalog.pg_class as views on views.oid = rules.ev_class
        union all
        select depending.class, depending.object, relations.relnamespace,
            format('relation %s', relations.oid::regclass), null
        from depending
        inner join pg_catalog.pg_class as relations
            on depending.class = 'pg_class'::regclass and relations.oid = depending.object
        union all
        select depending.class, depending.object, routines.pronamespace,
            format('routine %s', routines.oid::regprocedure), null
        from depending
        inner join pg_catalog.pg_proc as routines
            on depending.class = 'pg_proc'::regclass and routines.oid = depending.object
        union all
        select depending.class, depending.object, types.typnamespace, format('type %s', types.oid::regtype), null
        from depending
        inner join pg_catalog.pg_type as types
            on depending.class = 'pg_type'::regclass and types.oid = depending.object
    )
    select distinct class::regclass::text, object, name, coalesce(statement, '')
    from found
    where schema not in (
        select oid from pg_catalog.pg_namespace where nspname in ('public', 'migration', 'migration_backup')
    )
    order by name
"""


@dataclass(frozen=True, slots=True)
class Thing:
    """One object of another schema; `statement` makes it anew, and is empty where that cannot be said."""

    catalog: str
    oid: int
    name: str
    statement: str


def hanging(connection: Connection) -> tuple[Thing, ...]:
    """Triggers, constraints, defaults, policies, views, routines and types elsewhere that use something in public.

    The migration's own schemas are left out. Names and statements are written in full, whatever the search_path.
    """
    with postgres.search_path(connection, ""):
        return tuple(Thing(*entry) for entry in connection.execute(_QUERY.encode()))


def lost(connection: Connection, before: tuple[Thing, ...]) -> tuple[Thing, ...]:
    """Those of `before` that are no longer there."""
    return tuple(
        thing
        for thing in before
        if connection.execute(
            sql.SQL("select from {} where oid = %s").format(sql.Identifier("pg_catalog", thing.catalog)), [thing.oid]
        ).fetchone()
        is None
    )
