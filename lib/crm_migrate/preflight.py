"""Pre-flight: whether server, role, session and machine are fit for a migration; reads only (B4)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from crm_migrate import access, history, postgres, shapes, tools
from crm_migrate.errors import MigrationError
from crm_migrate.postgres import Connection, Server
from crm_migrate.settings import Settings

OLDEST = 150_000  # H1
_LONG_MINUTES = 10
_CHANGED = [
    *postgres.SOURCE_TABLES,
    *("opportunities", "opportunityNotes", "companies_summary", "contacts_summary", "init_state"),
]


@dataclass(frozen=True, slots=True)
class Check:
    """One question and its answer.

    Attributes:
        hint: what to do; where `ok` is true, a hint makes the answer a warning.
    """

    check: str
    ok: bool
    detail: str
    hint: str = ""

    @property
    def warning(self) -> bool:
        """It holds, but somebody should look at it."""
        return self.ok and bool(self.hint)


@dataclass(frozen=True, slots=True)
class Preflight:
    """Every answer, and the two sizes that the gate weighs.

    Attributes:
        database_bytes: what the database takes on the server.
        free_bytes: what is free for snapshots and dumps in the workspace.
    """

    checks: tuple[Check, ...]
    database_bytes: int
    free_bytes: int

    @property
    def ok(self) -> bool:
        """Whether every check holds; warnings do not count."""
        return not self.failed

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that do not hold."""
        return tuple(check for check in self.checks if not check.ok)


def run(connection: Connection, *, settings: Settings, creates: Sequence[tuple[str, str]]) -> Preflight:
    """Ask everything; one answer that is no does not keep the others from being given.

    Args:
        connection: outside a transaction, or in one of its own; two more sessions are opened beside it for a moment.
        creates: what the plan will create, as `catalog.created` tells it.
    """
    server = postgres.who_am_i(connection)
    row = connection.execute("select pg_database_size(current_database())").fetchone()
    assert row is not None
    size, free = int(row[0]), _free(settings.workspace)
    questions: tuple[Callable[[Connection, Server], Check], ...] = (
        _version, _writable, _ownership, _sight, _creation, _shapes, _lock, _pooler, _backup_tool, _prepared, _long,
        _grants, _column_grants,
    )  # fmt: skip
    answers = (ask(connection, server) for ask in questions)
    return Preflight((*answers, _free_names(connection, server, creates), _disk(size, free, settings)), size, free)


def is_pooled(first: int, other: int, again: int) -> bool:
    """Whether two sessions share backends: the same one serves both, or a session's own has changed.

    Args:
        first: backend of session A; other: that of session B while it holds a transaction; again: that of A meanwhile.
    """
    return first == other or first != again


def _version(_connection: Connection, server: Server) -> Check:
    return Check(
        "version",
        server.version >= OLDEST,
        f"PostgreSQL {server.version_text}",
        "" if server.version >= OLDEST else "Upgrade the server to PostgreSQL 15 or later first.",
    )


def _writable(connection: Connection, _server: Server) -> Check:
    row = connection.execute(
        "select pg_is_in_recovery(), current_setting('default_transaction_read_only')::boolean"
    ).fetchone()
    assert row is not None
    standby, read_only = row
    if standby:
        return Check("writable", False, "this server is a standby", "Connect to the primary.")
    if read_only:
        return Check(
            "writable", False, "transactions are read-only by default here", "Unset default_transaction_read_only."
        )
    return Check("writable", True, "the server takes writes")


def _ownership(connection: Connection, server: Server) -> Check:
    strange = _names(
        connection,
        """
        select classes.relname || ' (' || pg_get_userbyid(classes.relowner) || ')'
        from pg_catalog.pg_class as classes
        where classes.relnamespace = 'public'::regnamespace and classes.relname = any (%s)
            and classes.relkind in ('r', 'p', 'v')
            and not pg_has_role(classes.relowner, 'member')
        order by 1
        """,
        [_CHANGED],
    )
    return Check(
        "owner",
        not strange,
        f"role {server.role} does not own {', '.join(strange)}" if strange else f"role {server.role} may change all",
        "Connect as the owner of the tables, or as a role that is a member of it." if strange else "",
    )


def _sight(connection: Connection, server: Server) -> Check:
    blind = _names(
        connection,
        """
        select relname from pg_catalog.pg_class
        where relnamespace = 'public'::regnamespace and relname = any (%s) and relkind in ('r', 'p')
            and (row_security_active(oid) or not has_table_privilege(oid, 'select'))
        order by 1
        """,
        [_CHANGED],
    )
    return Check(
        "rows",
        not blind,
        f"role {server.role} does not see every row of {', '.join(blind)}" if blind else "no policy hides rows",
        "Connect as the owner of the tables, or as a role with BYPASSRLS." if blind else "",
    )


def _creation(connection: Connection, server: Server) -> Check:
    row = connection.execute(
        """
        select has_database_privilege(owner, current_database(), 'create'),
            has_schema_privilege(owner, 'public', 'create')
        from (select relowner as owner from pg_catalog.pg_class where oid = to_regclass('public.contacts')) as tables
        """
    ).fetchone()
    database, schema = row or (False, False)
    missing = [
        name
        for name, may in ((f"database {server.database}", database), ("schema public", schema))
        if not may
    ]  # fmt: skip
    return Check(
        "create",
        not missing,
        f"the owner of the tables may not create in {' and '.join(missing)}"
        if missing
        else "schemas, tables and types",
        "An administrator grants CREATE on " + " and ".join(missing) + " to the owner of the tables."
        if missing
        else "",
    )


def _shapes(connection: Connection, server: Server) -> Check:
    strange = () if server.migrated else shapes.strange(connection)
    return Check(
        "tables",
        not strange,
        "; ".join(strange) if strange else "built as the migration expects",
        "Give a column the type that is named, and move rows of child tables and partitions into one plain table."
        if strange
        else "",
    )


def _lock(connection: Connection, _server: Server) -> Check:
    holder = postgres.lock_holder(connection)
    row = connection.execute("select pg_backend_pid()").fetchone()
    if holder is None or (row and holder.pid == row[0]):
        return Check("lock", True, "no other run is under way")
    return Check(
        "lock",
        False,
        f"session {holder.pid} ({holder.application}) from {holder.client} has held it since {holder.since}",
        "Wait for that run, or stop it with `crm-migrate pause`.",
    )


def _pooler(connection: Connection, _server: Server) -> Check:
    """Two sessions, one of them in a transaction: behind a transaction pooler they are given each other's backend."""
    info = connection.info
    url = make_conninfo(info.dsn, password=info.password or None)
    try:
        with (
            postgres.connect(url, autocommit=True, purpose="preflight") as one,
            postgres.connect(url, purpose="preflight") as two,
        ):
            pooled = is_pooled(_backend(one), _backend(two), _backend(one))
    except (MigrationError, psycopg.Error) as error:
        return Check("session", False, f"two more sessions could not be had: {error}", "Raise the connection limit.")
    return Check(
        "session",
        not pooled,
        "a pooler gives each transaction another backend" if pooled else "one session keeps one backend",
        "Connect to the server itself, or through the pooler's session mode (on Supabase port 5432)." if pooled else "",
    )


def _backup_tool(_connection: Connection, server: Server) -> Check:
    missing = [name for name in ("pg_dump", "pg_restore") if tools.find(name, server_version=server.version) is None]
    major = server.version // 10_000
    return Check(
        "backup",
        not missing,
        f"no {' and no '.join(missing)} of version {major} or later"
        if missing
        else f"pg_dump for version {major} found",
        f"Install the PostgreSQL {major} client programs." if missing else "",
    )


def _prepared(connection: Connection, _server: Server) -> Check:
    names = _names(
        connection, "select gid from pg_catalog.pg_prepared_xacts where database = current_database() order by 1"
    )
    return Check(
        "prepared transactions",
        not names,
        f"{len(names)} stand open and hold their locks" if names else "none",
        "Commit or roll back: " + ", ".join(names) if names else "",
    )


def _long(connection: Connection, _server: Server) -> Check:
    found = _names(
        connection,
        """
        select format('session %%s for %%s min', pid, round(extract(epoch from clock_timestamp() - xact_start) / 60))
        from pg_catalog.pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()
            and xact_start < clock_timestamp() - make_interval(mins => %s)
        order by xact_start
        """,
        [_LONG_MINUTES],
    )
    return Check(
        "long transactions",
        True,
        "; ".join(found) if found else f"none over {_LONG_MINUTES} minutes",
        "They will be ended when the window closes, as far as this role may; better end them before." if found else "",
    )


def _grants(connection: Connection, _server: Server) -> Check:
    """Write privileges that only their grantor can give back, for what the window closes (C8)."""
    found = _names(
        connection,
        """
        with closed as (
            select classes.oid, classes.relname, classes.relowner, entries.acl
            from pg_catalog.pg_class as classes
            cross join lateral (
                select classes.relacl as acl
                union all
                select attributes.attacl from pg_catalog.pg_attribute as attributes
                where attributes.attrelid = classes.oid and not attributes.attisdropped
            ) as entries
            where classes.relnamespace = 'public'::regnamespace and classes.relkind in ('r', 'p', 'v', 'm', 'f')
        )
        select distinct format('%%s by %%s', closed.relname, pg_get_userbyid(privileges.grantor))
        from closed
        cross join lateral aclexplode(closed.acl) as privileges
        where privileges.privilege_type in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')
            and privileges.grantor <> closed.relowner and not pg_has_role(privileges.grantor, 'member')
        order by 1
        """,
        [],
    )
    return Check(
        "grants",
        not found,
        f"privileges on {', '.join(found)} could not be given back as they are" if found else "all can be given back",
        "Connect as a member of those grantors, or let the tables' owner grant instead." if found else "",
    )


def _column_grants(connection: Connection, server: Server) -> Check:
    found = () if server.migrated else access.readers_of_columns(connection)
    return Check(
        "column grants",
        True,
        f"single columns are read by {', '.join(found)}" if found else "nobody reads single columns of a deal",
        "Through the old names they will read nothing, since PostgreSQL asks for every column behind a view: let them "
        "read opportunities and opportunityNotes, where their columns stay theirs, or grant them the whole table."
        if found
        else "",
    )


def _free_names(connection: Connection, server: Server, creates: Sequence[tuple[str, str]]) -> Check:
    """A customer's own object of a name that the plan needs would stop it midway."""
    if server.migrated:
        return Check("names", True, "this database is migrated already")
    taken = _names(
        connection,
        """
        select wanted.kind || ' ' || wanted.name
        from unnest(%s::text[], %s::text[]) as wanted (kind, name)
        where case wanted.kind
            when 'column' then exists (
                select from pg_catalog.pg_attribute as attributes
                where attributes.attrelid = to_regclass('public.' || quote_ident(split_part(wanted.name, '.', 1)))
                    and attributes.attname = split_part(wanted.name, '.', 2) and not attributes.attisdropped
            )
            when 'type' then to_regtype('public.' || quote_ident(wanted.name)) is not null
            when 'function' then exists (
                select from pg_catalog.pg_proc
                where pronamespace = 'public'::regnamespace and proname = wanted.name
            )
            else to_regclass('public.' || quote_ident(wanted.name)) is not null
        end
        order by 1
        """,
        [[kind for kind, _name in creates], [name for _kind, name in creates]],
    )
    if not history.exists(connection):
        taken += _names(
            connection,
            """
            select 'relation migration_history' where to_regclass('public.migration_history') is not null
            union all
            select 'schema ' || nspname from pg_catalog.pg_namespace where nspname in ('migration', 'migration_backup')
            """,
        )
    return Check(
        "names",
        not taken,
        f"taken by an object of your own: {', '.join(taken)}" if taken else f"all {len(creates)} new names are free",
        "The migration creates these in schema public: rename yours before it." if taken else "",
    )


def _disk(size: int, free: int, settings: Settings) -> Check:
    needed = int(settings.disk_factor * size)
    return Check(
        "disk",
        free >= needed,
        f"{free / 1e9:,.1f} GB free in the workspace, {needed / 1e9:,.1f} GB needed ({size / 1e9:,.1f} GB of database)",
        "" if free >= needed else "Free some, or set CRM_MIGRATE_WORKSPACE to a larger disk.",
    )


def _free(workspace: Path) -> int:
    """Free bytes for an ordinary user where the workspace is, or will be."""
    place = workspace.absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free if os.access(place, os.W_OK) else 0


def _backend(connection: Connection) -> int:
    row = connection.execute("select pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])


def _names(connection: Connection, query: str, parameters: list[object] | None = None) -> list[str]:
    rows: Iterator[tuple[str]] = connection.execute(query.encode(), parameters)
    return [name for (name,) in rows]
