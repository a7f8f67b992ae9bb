"""The window: while it is closed nobody but the owner writes to schema public; opening undoes all of it exactly (C8).

What is taken away is noted first, in the same transaction: table and column privileges, with grantor and grant option.
The note survives a crash, a second `close` adds to it and never overwrites it, and it follows a table through renames.
The owner of the tables, superusers and functions that run as their owner still write.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg import sql

from crm_migrate.errors import Refused
from crm_migrate.events import Event, Sink
from crm_migrate.postgres import Connection
from crm_migrate.runners import APPLICATION

_ENDING_MS = 5_000  # what a session gets to end itself once it was told to
_LOOK_SECONDS = 0.2

# Privileges of others than the owner on relations, one row each; column 0 is the whole relation.
_GRANTED = """
    select classes.oid as relation, classes.relname::text as relation_name, classes.relkind::text as relation_kind,
        entries.column_number, entries.column_name, privileges.grantee, privileges.grantor,
        privileges.grantor = classes.relowner as by_owner, privileges.privilege_type as privilege,
        privileges.is_grantable as grantable
    from pg_catalog.pg_class as classes
    cross join lateral (
        select 0::smallint as column_number, '' as column_name, classes.relacl as acl
        union all
        select attributes.attnum, attributes.attname::text, attributes.attacl
        from pg_catalog.pg_attribute as attributes
        where attributes.attrelid = classes.oid and attributes.attnum > 0 and not attributes.attisdropped
    ) as entries
    cross join lateral aclexplode(entries.acl) as privileges
    where classes.relkind in ('r', 'p', 'v', 'm', 'f') and privileges.grantee <> classes.relowner
"""
_WRITING = f"""
    select * from ({_GRANTED} and classes.relnamespace = 'public'::regnamespace) as granted
    where privilege in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')
"""


@dataclass(frozen=True, slots=True)
class Grant:
    """One privilege of one role on a relation of schema public.

    Attributes:
        column: empty for the whole relation.
        grantee, grantor: names of roles; grantee None is PUBLIC, grantor None the relation's owner.
        privilege: as PostgreSQL writes it, such as INSERT.
    """

    column: str
    grantee: str | None
    grantor: str | None
    privilege: str
    grantable: bool


def close(connection: Connection, *, grace_seconds: float, emit: Sink) -> None:
    """Take every right to write from everybody but the owners, then end the sessions of others.

    What cannot be taken (tables of strangers) or ended (sessions of superusers) is said in a warning.

    Args:
        connection: acts as the owner of the tables, outside a transaction; the state tables are there.
        grace_seconds: what others get to end their sessions themselves; running transactions may commit until then.

    Raises:
        Refused: a privilege was granted by a role that this one cannot act as, so that it could not be given back.
    """
    with connection.transaction():
        connection.execute("lock table migration.window_state in share row exclusive mode")
        connection.execute("insert into migration.window_state default values on conflict do nothing")
        taken = _take_away(connection, _WRITING, [])
    emit(Event("note", "window", f"{taken:,} write privileges taken away; everybody may still read"))
    for name in _still_open(connection):
        emit(Event("warning", "window", f"others may still write to {name}: it does not belong to this role"))
    _end_sessions(connection, grace_seconds=grace_seconds, emit=emit)


def shut(connection: Connection, table: str) -> None:
    """Close one relation of schema public that was made while the window is closed; nothing where it is open.

    Runs in the caller's transaction, so that there is no moment in which others may write to it.

    Args:
        table: its name without the schema.
    """
    if is_closed(connection):
        with connection.transaction():
            _take_away(connection, f"{_WRITING} and relation = to_regclass(%s)", [_quoted(table)])


def open_(connection: Connection) -> None:
    """Give back exactly what was taken away, and forget it; nothing where the window is open.

    Relations that are gone are passed over, unless one of the same name and kind has taken their place. Roles that are
    gone are passed over as well.
    """
    if not is_closed(connection):
        return
    with connection.transaction():
        connection.execute("lock table migration.window_state in share row exclusive mode")
        rows = connection.execute(
            """
            with found as (
                select
                    coalesce(classes.oid, namesakes.oid) as relation, classes.oid is not null as same,
                    grants.column_number, grants.column_name, grants.grantee, grants.grantor, grants.by_owner,
                    grants.privilege, grants.grantable
                from migration.window_grants as grants
                left join pg_catalog.pg_class as classes
                    on classes.oid = grants.relation
                    and classes.relnamespace in ('public'::regnamespace, 'migration'::regnamespace)
                left join pg_catalog.pg_class as namesakes
                    on classes.oid is null and namesakes.relnamespace = 'public'::regnamespace
                    and namesakes.relname = grants.relation_name and namesakes.relkind::text = grants.relation_kind
            )
            select found.relation::regclass::text, coalesce(attributes.attname::text, ''),
                case when found.grantee <> 0 then grantees.rolname::text end,
                case when not found.by_owner then grantors.rolname::text end, found.privilege, found.grantable
            from found
            left join pg_catalog.pg_roles as grantees on grantees.oid = found.grantee
            left join pg_catalog.pg_roles as grantors on grantors.oid = found.grantor
            left join pg_catalog.pg_attribute as attributes
                on attributes.attrelid = found.relation and attributes.attnum > 0 and not attributes.attisdropped
                and found.column_number > 0
                and case when found.same then attributes.attnum = found.column_number
                    else attributes.attname = found.column_name end
            where found.relation is not null
                and (found.grantee = 0 or grantees.oid is not null)
                and (found.by_owner or grantors.oid is not null)
                and (found.column_number = 0 or attributes.attnum is not null)
            order by not found.by_owner, not found.grantable
            """
        ).fetchall()
        for relation, column, grantee, grantor, privilege, grantable in rows:
            give(connection, relation, Grant(column, grantee, grantor, privilege, grantable))
        connection.execute("delete from migration.window_grants")
        connection.execute("delete from migration.window_state")


def is_closed(connection: Connection) -> bool:
    """Whether the window is closed in this database."""
    row = connection.execute("select to_regclass('migration.window_state') is not null").fetchone()
    if not (row and row[0]):
        return False
    return connection.execute("select from migration.window_state").fetchone() is not None


def grants(connection: Connection, table: str) -> tuple[Grant, ...]:
    """What others than its owner may do with a relation of schema public while the window is open.

    While it is closed, that is what they may do now and what was taken away; of a relation that was dropped since, what
    was taken away, by its name.

    Args:
        table: its name without the schema.
    """
    stored = "select * from migration.window_grants" if is_closed(connection) else f"{_WRITING} and false"
    rows = connection.execute(
        f"""
        select coalesce(attributes.attname::text, granted.column_name),
            case when granted.grantee <> 0 then grantees.rolname::text end,
            case when not granted.by_owner then grantors.rolname::text end, granted.privilege,
            bool_or(granted.grantable)
        from ({_GRANTED} union all {stored}) as granted
        left join pg_catalog.pg_roles as grantees on grantees.oid = granted.grantee
        left join pg_catalog.pg_roles as grantors on grantors.oid = granted.grantor
        left join pg_catalog.pg_attribute as attributes
            on attributes.attrelid = granted.relation and attributes.attnum = granted.column_number
            and attributes.attnum > 0 and not attributes.attisdropped
        where (granted.grantee = 0 or grantees.oid is not null)
            and (
                granted.relation = to_regclass(%s)
                or granted.relation_name = %s
                and not exists (select from pg_catalog.pg_class as classes where classes.oid = granted.relation)
            )
        group by 1, 2, 3, 4
        order by 1, 2 nulls first, 3 nulls first, 4
        """.encode(),
        [_quoted(table), table],
    ).fetchall()
    return tuple(Grant(*row) for row in rows)


def forget(connection: Connection, table: str) -> None:
    """Forget what was taken away on one relation of schema public, when it is to have no grants any more."""
    if is_closed(connection):
        connection.execute("delete from migration.window_grants where relation = to_regclass(%s)", [_quoted(table)])


def give(connection: Connection, relation: str, grant: Grant) -> None:
    """Grant one privilege, as its grantor.

    Args:
        relation: quoted and qualified as SQL needs it.

    Raises:
        Refused: this role cannot act as the grantor.
    """
    columns = sql.SQL("({})").format(sql.Identifier(grant.column)) if grant.column else sql.SQL("")
    statement = sql.SQL("grant {} {} on table {} to {} {}").format(
        sql.SQL(grant.privilege),
        columns,
        sql.SQL(relation),
        sql.SQL("public") if grant.grantee is None else sql.Identifier(grant.grantee),
        sql.SQL("with grant option" if grant.grantable else ""),
    )
    if grant.grantor is None:
        connection.execute(statement)
    else:
        _as_role(connection, grant.grantor, lambda: connection.execute(statement))


def _take_away(connection: Connection, query: str, parameters: list[Any]) -> int:
    """Note and revoke what `query` finds, as far as it is this role's to revoke; how many privileges that were."""
    found = connection.execute(
        f"""
        with found as ({query}), ours as (
            select found.* from found
            inner join pg_catalog.pg_class as classes on classes.oid = found.relation
            where pg_has_role(classes.relowner, 'usage')
        ), noted as (
            insert into migration.window_grants select * from ours on conflict do nothing
        )
        select relation::regclass::text, column_name, case when grantee <> 0 then pg_get_userbyid(grantee)::text end,
            case when not by_owner then pg_get_userbyid(grantor)::text end, privilege,
            by_owner or pg_has_role(grantor, 'member')
        from ours
        order by by_owner desc, relation
        """.encode(),
        parameters,
    ).fetchall()
    for relation, _column, _grantee, grantor, privilege, may in found:
        if not may:
            raise Refused(
                f"{privilege} on {relation} was granted by {grantor}, and only {grantor} could give it back",
                hint=f"Connect as a member of {grantor}, or let the tables' owner grant it instead.",
            )
    for relation, column, grantee, grantor, privilege, _may in found:
        if grantor is None:  # what its grantee handed on goes with it
            connection.execute(
                sql.SQL("revoke {} {} on table {} from {} cascade").format(
                    sql.SQL(privilege),
                    sql.SQL("({})").format(sql.Identifier(column)) if column else sql.SQL(""),
                    sql.SQL(relation),
                    sql.SQL("public") if grantee is None else sql.Identifier(grantee),
                )
            )
    return len(found)


def _still_open(connection: Connection) -> list[str]:
    query = f"select distinct relation::regclass::text from ({_WRITING}) as left_over order by 1"
    return [name for (name,) in connection.execute(query.encode())]


def _end_sessions(connection: Connection, *, grace_seconds: float, emit: Sink) -> None:
    deadline = time.monotonic() + grace_seconds
    others = _others(connection)
    if others and grace_seconds:
        emit(Event("note", "window", f"{len(others)} other sessions; they are ended in {grace_seconds:g} s"))
    while others and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(_LOOK_SECONDS, left))
        others = _others(connection)
    ended = 0
    for pid, role, application in others:
        try:
            row = connection.execute("select pg_terminate_backend(%s, %s)", [pid, _ENDING_MS]).fetchone()
            ended += bool(row and row[0])
        except pg.InsufficientPrivilege:
            emit(
                Event(
                    "warning",
                    "window",
                    f"session {pid} ({application or 'unnamed'}) of {role} goes on: not ours to end",
                )
            )
    if ended:
        emit(Event("note", "window", f"{ended} other sessions ended"))


def _others(connection: Connection) -> list[tuple[int, str, str]]:
    """Sessions of clients in this database that are not ours: pid, role, application."""
    return connection.execute(
        """
        select pid, usename::text, coalesce(application_name, '')
        from pg_catalog.pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()
            and split_part(coalesce(application_name, ''), ' ', 1) <> %s
            and case
                when backend_type is not null then backend_type = 'client backend'
                -- of roles that this one may not look at, the server tells little more than that they are there
                else usesysid is not null and pid not in (select pid from pg_catalog.pg_stat_replication)
            end
        order by pid
        """,
        [APPLICATION],
    ).fetchall()


def _as_role(connection: Connection, role: str, work: Callable[[], object]) -> None:
    row = connection.execute("select current_user::text, current_setting('role')").fetchone()
    assert row is not None
    try:
        connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
    except psycopg.errors.InsufficientPrivilege as error:
        raise Refused(
            f"privileges that {role} granted cannot be given back: this role cannot act as {role}",
            hint=f"Connect as a member of {role}, and run the same command again.",
        ) from error
    work()
    connection.execute(sql.SQL("set local role {}").format(sql.Identifier(row[0])))


def _quoted(table: str) -> str:
    return sql.Identifier(*(table.split(".") if "." in table else ("public", table))).as_string(None)
