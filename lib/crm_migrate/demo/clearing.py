"""Drop an earlier demo, migrated or not, and nothing else: whatever else would go along makes it a refusal."""

from __future__ import annotations

from psycopg import errors as pg
from psycopg import sql

from crm_migrate.demo.database import SCHEMAS
from crm_migrate.errors import Refused
from crm_migrate.postgres import Connection

# each object on its own, since what depends on what is not known; one that went with another is not missed
_DROP_IN_PUBLIC = """
    with

    objects as (

        select classes.oid, 'pg_class'::regclass as class, classes.relowner as owner, format(
            'drop %s if exists public.%I cascade',
            case classes.relkind
                when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
                when 'f' then 'foreign table' else 'table'
            end,
            classes.relname
        ) as statement
        from pg_catalog.pg_class as classes
        where classes.relnamespace = 'public'::regnamespace and classes.relkind in ('v', 'm', 'S', 'f', 'r', 'p')
        union all
        select routines.oid, 'pg_proc'::regclass, routines.proowner, format(
            'drop routine if exists public.%I(%s) cascade',
            routines.proname, pg_get_function_identity_arguments(routines.oid)
        )
        from pg_catalog.pg_proc as routines
        where routines.pronamespace = 'public'::regnamespace
        union all
        select types.oid, 'pg_type'::regclass, types.typowner, format(
            'drop type if exists public.%I cascade', types.typname
        )
        from pg_catalog.pg_type as types
        where types.typnamespace = 'public'::regnamespace and types.typrelid = 0 and types.typelem = 0
            and types.typtype in ('e', 'd', 'r')

    )

    select objects.statement
    from objects
    where objects.owner = current_user::regrole
        and not exists (
            select from pg_catalog.pg_depend as depends
            where depends.classid = objects.class and depends.objid = objects.oid and depends.deptype in ('e', 'i')
        )
    order by objects.statement
"""


def empty(connection: Connection) -> None:
    """Drop what an earlier demo, or its migration, left in a database that `require_ours` took for a demo.

    Only what this role owns in schema public and in `SCHEMAS` goes. All in one transaction: if something else would go
    along with it, nothing goes.

    Raises:
        Refused: something outside depends on the demo, or part of it belongs to somebody else.
    """
    before = _not_ours(connection)
    try:
        for schema in SCHEMAS:
            connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))
        for (statement,) in connection.execute(_DROP_IN_PUBLIC).fetchall():
            connection.execute(statement)
    except pg.InsufficientPrivilege as error:
        connection.rollback()
        raise Refused(
            f"the earlier demo is not all this role's: {error.diag.message_primary}; nothing was dropped",
            hint="Connect as the role that made it, or drop the database and make a new one.",
        ) from error
    if lost := sorted(before - _not_ours(connection)):
        connection.rollback()
        raise Refused(
            f"{', '.join(lost[:5])} would go with the earlier demo; nothing was dropped",
            hint="Drop that first, or give the demo a database of its own.",
        )


def _not_ours(connection: Connection) -> set[str]:
    """Relations, columns, constraints, triggers, policies, routines and types that are no part of the demo."""
    rows = connection.execute(
        """
        with

        relations as (

            select classes.oid
            from pg_catalog.pg_class as classes
            inner join pg_catalog.pg_namespace as namespaces on namespaces.oid = classes.relnamespace
            where namespaces.nspname !~ '^pg_' and namespaces.nspname <> 'information_schema'
                and not (
                    (namespaces.nspname = 'public' or namespaces.nspname = any (%(schemas)s))
                    and classes.relowner = current_user::regrole
                )

        )

        select pg_describe_object('pg_class'::regclass, relations.oid, attributes.attnum)
        from relations
        inner join pg_catalog.pg_attribute as attributes on attributes.attrelid = relations.oid
        where not attributes.attisdropped
        union all
        select pg_describe_object('pg_class'::regclass, relations.oid, 0) from relations
        union all
        select pg_describe_object('pg_constraint'::regclass, constraints.oid, 0)
        from pg_catalog.pg_constraint as constraints
        inner join relations on relations.oid = constraints.conrelid
        union all
        select pg_describe_object('pg_trigger'::regclass, triggers.oid, 0)
        from pg_catalog.pg_trigger as triggers
        inner join relations on relations.oid = triggers.tgrelid
        where not triggers.tgisinternal
        union all
        select pg_describe_object('pg_policy'::regclass, policies.oid, 0)
        from pg_catalog.pg_policy as policies
        inner join relations on relations.oid = policies.polrelid
        union all
        select pg_describe_object('pg_proc'::regclass, routines.oid, 0)
        from pg_catalog.pg_proc as routines
        inner join pg_catalog.pg_namespace as namespaces on namespaces.oid = routines.pronamespace
        where namespaces.nspname !~ '^pg_' and namespaces.nspname <> 'information_schema'
            and not (
                (namespaces.nspname = 'public' or namespaces.nspname = any (%(schemas)s))
                and routines.proowner = current_user::regrole
            )
        """,
        {"schemas": list(SCHEMAS)},
    )
    return {name for (name,) in rows}
