"""What lets others write past the tables' own privileges, and what lets them in at all (C8).

Functions that write as their owner (SECURITY DEFINER, volatile) unless a policy, view, default or constraint needs
them; relations elsewhere through which schema public is written to; CREATE on schema public; CONNECT on the database.
CONNECT is left, or given for the time, to those who have to get in: this session's own role, replication, and with
`readers` the roles under which the API signs in, which can only read by then.
"""

from __future__ import annotations

from functools import partial

from psycopg import sql

from crm_migrate.errors import Refused
from crm_migrate.events import Event, Sink
from crm_migrate.maintenance import through
from crm_migrate.maintenance.noted import as_role
from crm_migrate.postgres import API_ROLES, MAY_BECOME, Connection

_OBJECTS = f"""
    select 'routine' as kind, functions.oid as object, functions.proowner as owner, array['EXECUTE'] as wanted,
        format(
            '%%I.%%I(%%s)', namespaces.nspname, functions.proname, pg_get_function_identity_arguments(functions.oid)
        ) as name,
        coalesce(functions.proacl, acldefault('f', functions.proowner)) as acl,
        0::smallint as column_number, '' as column_name
    from pg_catalog.pg_proc as functions
    inner join pg_catalog.pg_namespace as namespaces on namespaces.oid = functions.pronamespace
    where functions.prosecdef and functions.provolatile = 'v'
        and functions.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
        and namespaces.nspname not in ('pg_catalog', 'information_schema', 'migration', 'migration_backup')
        and not exists (
            select from pg_catalog.pg_depend as dependencies
            where dependencies.objid = functions.oid and dependencies.deptype = 'e'
        )
        and not exists (
            select from pg_catalog.pg_depend as dependencies
            where dependencies.refclassid = 'pg_catalog.pg_proc'::regclass and dependencies.refobjid = functions.oid
                and dependencies.classid in (
                    'pg_catalog.pg_policy'::regclass, 'pg_catalog.pg_rewrite'::regclass,
                    'pg_catalog.pg_attrdef'::regclass, 'pg_catalog.pg_constraint'::regclass
                )
        )
    union all
    select 'table', relation, owner, array['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'], name, acl, column_number,
        column_name
    from ({through.RELATIONS}) as relations
    union all
    select 'schema', oid, nspowner, array['CREATE'], quote_ident(nspname), coalesce(nspacl, acldefault('n', nspowner)),
        0::smallint, ''
    from pg_catalog.pg_namespace where nspname = 'public'
    union all
    select 'database', oid, datdba, array['CONNECT'], quote_ident(datname), coalesce(datacl, acldefault('d', datdba)),
        0::smallint, ''
    from pg_catalog.pg_database where datname = current_database()
"""


def close(connection: Connection, *, readers: bool, emit: Sink) -> int:
    """Note and take away, in the caller's transaction; how many privileges that were.

    Raises:
        Refused: a privilege was granted by a role that this one cannot act as.
    """
    staying = _staying(connection, readers=readers)
    found = connection.execute(
        f"""
        with objects as ({_OBJECTS}), found as (
            select objects.kind, objects.object, objects.name, privileges.grantee, privileges.grantor,
                privileges.grantor = objects.owner as by_owner, privileges.privilege_type as privilege,
                privileges.is_grantable as grantable, objects.column_number, objects.column_name
            from objects
            cross join lateral aclexplode(objects.acl) as privileges
            where privileges.privilege_type = any (objects.wanted) and privileges.grantee <> objects.owner
                and pg_has_role(objects.owner, 'usage')
                and not (objects.kind = 'database' and privileges.grantee = any (%s))
        ), noted as (
            insert into migration.window_others
                (
                    kind, object, column_number, column_name, name, grantee, grantor, by_owner, privilege, grantable,
                    given
                )
            select kind, object, column_number, column_name, name, grantee, grantor, by_owner, privilege, grantable,
                false
            from found
            where not exists (
                select from migration.window_others as others
                where others.given and others.object = found.object and others.grantee = found.grantee
            )
            on conflict do nothing
        )
        select kind, name, privilege || case when column_number = 0 then '' else format(' (%%I)', column_name) end,
            case when grantee <> 0 then pg_get_userbyid(grantee)::text end,
            case when not by_owner then pg_get_userbyid(grantor)::text end,
            by_owner or pg_has_role(grantor, {MAY_BECOME})
        from found
        order by by_owner desc, name
        """.encode(),
        [list(staying)],
    ).fetchall()
    for _kind, name, privilege, _grantee, grantor, may in found:
        if not may:
            raise Refused(
                f"{privilege} on {name} was granted by {grantor}, and only {grantor} could give it back",
                hint=f"Connect as a member of {grantor}, or let the owner grant it instead.",
            )
    taken: dict[tuple[str, str, str | None], list[str]] = {}
    for kind, name, privilege, grantee, grantor, _may in found:
        if grantor is None:  # what its grantee handed on goes with it
            taken.setdefault((kind, name, grantee), []).append(privilege)
    for (kind, name, grantee), privileges in taken.items():
        _revoke(connection, ", ".join(privileges), kind, name, grantee)
    _let_in(connection, staying, emit)
    return len(found)


def still_open(connection: Connection) -> list[str]:
    """Functions through which others may still write to schema public, since they belong to a stranger who may."""
    rows = connection.execute(
        f"""
        select distinct objects.name
        from ({_OBJECTS}) as objects
        cross join lateral aclexplode(objects.acl) as privileges
        where objects.kind = 'routine' and not pg_has_role(objects.owner, 'usage')
            and privileges.grantee not in (objects.owner, current_user::regrole::oid)
            and exists (
                select from pg_catalog.pg_class as tables
                where tables.relnamespace = 'public'::regnamespace and tables.relkind in ('r', 'p')
                    and pg_has_role(objects.owner, tables.relowner, 'usage')
            )
        order by 1
        """.encode(),
        [],
    ).fetchall()
    return [f"function {name}" for (name,) in rows]


def open_(connection: Connection) -> None:
    """Give back what was taken, take back what was given for the time, and forget both, in the caller's transaction."""
    through.open_(connection)
    rows = connection.execute(
        """
        select others.kind,
            case others.kind
                when 'routine' then coalesce(
                    (
                        select format(
                            '%I.%I(%s)', namespaces.nspname, functions.proname,
                            pg_get_function_identity_arguments(functions.oid)
                        )
                        from pg_catalog.pg_proc as functions
                        inner join pg_catalog.pg_namespace as namespaces on namespaces.oid = functions.pronamespace
                        where functions.oid = others.object
                    ),
                    case when exists (
                        select from pg_catalog.pg_proc as functions
                        inner join pg_catalog.pg_namespace as namespaces on namespaces.oid = functions.pronamespace
                        where others.name = format(
                            '%I.%I(%s)', namespaces.nspname, functions.proname,
                            pg_get_function_identity_arguments(functions.oid)
                        )
                    ) then others.name end
                )
                when 'schema' then (select quote_ident(nspname) from pg_catalog.pg_namespace where oid = others.object)
                else (select quote_ident(datname) from pg_catalog.pg_database where oid = others.object)
            end,
            others.privilege, case when others.grantee <> 0 then grantees.rolname::text end,
            case when not others.by_owner then grantors.rolname::text end, others.grantable, others.given
        from migration.window_others as others
        left join pg_catalog.pg_roles as grantees on grantees.oid = others.grantee
        left join pg_catalog.pg_roles as grantors on grantors.oid = others.grantor
        where (others.grantee = 0 or grantees.oid is not null) and (others.by_owner or grantors.oid is not null)
        order by others.given desc, not others.by_owner, not others.grantable
        """
    ).fetchall()
    for kind, name, privilege, grantee, grantor, grantable, given in rows:
        if name is None:
            continue
        if given:
            _revoke(connection, privilege, kind, name, grantee)
            continue
        statement = sql.SQL("grant {} on {} {} to {} {}").format(
            sql.SQL(privilege),
            sql.SQL(kind),
            sql.SQL(name),
            sql.SQL("public") if grantee is None else sql.Identifier(grantee),
            sql.SQL("with grant option" if grantable else ""),
        )
        if grantor is None:
            connection.execute(statement)
        else:
            as_role(connection, grantor, partial(connection.execute, statement))
    connection.execute("delete from migration.window_others")


def _staying(connection: Connection, *, readers: bool) -> dict[int, str]:
    """Who may connect now and has to go on doing so; the database's owner needs nothing."""
    rows = connection.execute(
        """
        select roles.oid, roles.rolname::text
        from pg_catalog.pg_roles as roles
        cross join pg_catalog.pg_database as databases
        where databases.datname = current_database() and not roles.rolsuper and roles.oid <> databases.datdba
            and has_database_privilege(roles.oid, databases.oid, 'connect')
            and (
                roles.rolname in (session_user, current_user)
                or roles.rolreplication
                or roles.rolcanlogin and pg_has_role(roles.oid, current_user, 'member')  -- inheriting or not
                or %s and roles.rolcanlogin
                and exists (
                    select from pg_catalog.pg_roles as callers
                    where callers.rolname = any (%s) and pg_has_role(roles.oid, callers.oid, 'member')
                )
            )
        order by 2
        """,
        [readers, list(API_ROLES)],
    ).fetchall()
    return dict(rows)


def _let_in(connection: Connection, staying: dict[int, str], emit: Sink) -> None:
    """Give CONNECT to those who had it from everybody's share only; say it where the database is not ours."""
    row = connection.execute(
        """
        select pg_has_role(datdba, 'usage'), quote_ident(datname), pg_get_userbyid(datdba)::text
        from pg_catalog.pg_database where datname = current_database()
        """
    ).fetchone()
    assert row is not None
    ours, database, owner = row
    if not ours:
        emit(Event("warning", "window", f"new sessions cannot be kept out: the database belongs to {owner}"))
        return
    for oid, role in staying.items():
        lacking = connection.execute(
            """
            insert into migration.window_others
                (kind, object, name, grantee, grantor, by_owner, privilege, grantable, given)
            select 'database', oid, quote_ident(datname), %(role)s, datdba, true, 'CONNECT', false, true
            from pg_catalog.pg_database
            where datname = current_database() and not has_database_privilege(%(role)s::oid, oid, 'connect')
            returning true
            """,
            {"role": oid},
        ).fetchone()
        if lacking is not None:
            connection.execute(
                sql.SQL("grant connect on database {} to {}").format(sql.SQL(database), sql.Identifier(role))
            )


def _revoke(connection: Connection, privileges: str, kind: str, name: str, grantee: str | None) -> None:
    connection.execute(
        sql.SQL("revoke {} on {} {} from {} cascade").format(
            sql.SQL(privileges),
            sql.SQL(kind),
            sql.SQL(name),
            sql.SQL("public") if grantee is None else sql.Identifier(grantee),
        )
    )
