"""Where a demo goes: roles, an empty database, the schema of `sql/source/`; nobody's data is ever dropped for it.

A demo marks its database with a comment. Only a database so marked is emptied for the next demo (`clearing.py`).
"""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import errors as pg
from psycopg import sql

from crm_migrate import catalog, embedded, postgres
from crm_migrate.embedded import OWNER
from crm_migrate.errors import Refused, UsageError
from crm_migrate.events import Event, Sink
from crm_migrate.postgres import API_ROLES, Connection

MARK = "crm-migrate demo"
SCHEMAS = ("auth", "storage", "private", "migration", "migration_backup")
_GATEWAY = "authenticator"  # the role under which PostgREST signs in, as on Supabase
_ROWS_COME_BEFORE = "40"  # files of sql/source/ from this number on are laid over the rows
_NEEDS_ROLES = ("20_default_access.sql", "70_access.sql")


def make_roles(admin: Connection) -> None:
    """Make what is missing of the roles that Supabase brings, and the owner of the demo; as superuser.

    The owner is no superuser, sees no further than its own objects, and like Supabase's `postgres` may act as an API
    role and end other sessions.
    """
    admin.execute("select pg_advisory_xact_lock(%s)", [postgres.LOCK_KEY])  # roles belong to the whole cluster
    for role in _missing(admin, (*API_ROLES, _GATEWAY, OWNER)):
        admin.execute(_create_role(role))
    members = sql.SQL(", ").join(map(sql.Identifier, API_ROLES))
    for role in (_GATEWAY, OWNER):
        admin.execute(sql.SQL("grant {} to {}").format(members, sql.Identifier(role)))
    admin.execute(sql.SQL("grant pg_signal_backend to {}").format(sql.Identifier(OWNER)))
    admin.commit()


def _create_role(role: str, *, bypass: bool = True) -> sql.Composed:
    attributes = {"service_role": "nologin bypassrls", _GATEWAY: "login noinherit", OWNER: "login"}
    chosen = attributes.get(role, "nologin") if bypass else "nologin"
    return sql.SQL("create role {} {}").format(sql.Identifier(role), sql.SQL(chosen))


def _missing(connection: Connection, roles: Iterable[str]) -> list[str]:
    there = {name for (name,) in connection.execute("select rolname from pg_catalog.pg_roles")}
    return [role for role in roles if role not in there]


def recreate(server: embedded.Server) -> None:
    """Drop the demo of the embedded server, whoever is in it, and make an empty database for its owner.

    Raises:
        Refused: it holds something that no demo put there, or a migration of it is running.
    """
    name = sql.Identifier(embedded.DATABASE)
    with postgres.connect(server.admin_url(), autocommit=True, purpose="demo") as admin:
        if _exists(admin, embedded.DATABASE):
            inside = postgres.connect(server.admin_url(embedded.DATABASE), purpose="demo")
            with inside, postgres.migration_lock(inside):
                require_ours(inside)
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(name))
        admin.execute(sql.SQL("create database {} owner {}").format(name, sql.Identifier(OWNER)))


def _exists(connection: Connection, database: str) -> bool:
    row = connection.execute("select from pg_catalog.pg_database where datname = %s", [database]).fetchone()
    return row is not None


def require_ours(connection: Connection) -> bool:
    """Check that the database is empty, or a demo; True if it is a demo.

    Raises:
        Refused: it holds somebody's tables, or belongs to another role.
        UsageError: the server is older than PostgreSQL 15.
    """
    server = postgres.who_am_i(connection)
    if server.version < 150000:
        raise UsageError(
            f"{server.place} runs PostgreSQL {server.version_text}; 15 is the oldest that works",
            hint="Upgrade the server first.",
        )
    row = connection.execute(
        """
        select
            pg_has_role(current_user, databases.datdba, 'usage'),
            coalesce(shobj_description(databases.oid, 'pg_database'), '')
        from pg_catalog.pg_database as databases
        where databases.datname = current_database()
        """
    ).fetchone()
    assert row is not None
    owns, comment = row
    if not owns:
        raise Refused(
            f"role {server.role} does not own database {server.database}",
            hint=f'An administrator can run: alter database "{server.database}" owner to "{server.role}".',
        )
    if str(comment).startswith(MARK):
        return True
    if found := _strangers(connection):
        raise Refused(
            f"{server.place} already holds {', '.join(found[:5])}{' and more' if len(found) > 5 else ''}, "
            "which no demo made; nothing was touched",
            hint="Give the demo an empty database of its own.",
        )
    return False


def _strangers(connection: Connection) -> list[str]:
    rows = connection.execute(
        """
        select 'schema ' || namespaces.nspname
        from pg_catalog.pg_namespace as namespaces
        where namespaces.nspname = any (%(schemas)s)
        union all
        select format('%%I.%%I', namespaces.nspname, classes.relname)
        from pg_catalog.pg_class as classes
        inner join pg_catalog.pg_namespace as namespaces on namespaces.oid = classes.relnamespace
        where namespaces.nspname = 'public'
            and classes.relkind not in ('i', 'I', 't')
            and not exists (
                select from pg_catalog.pg_depend as depends
                where depends.classid = 'pg_class'::regclass and depends.objid = classes.oid and depends.deptype = 'e'
            )
        order by 1
        """,
        {"schemas": list(SCHEMAS)},
    )
    return [name for (name,) in rows]


def mark(connection: Connection, text: str) -> None:
    """Write down that this database is a demo, and which."""
    name = sql.Identifier(connection.info.dbname)
    connection.execute(sql.SQL("comment on database {} is {}").format(name, sql.Literal(f"{MARK}: {text}")))


def is_marked(connection: Connection) -> bool:
    """Whether a demo made this database."""
    row = connection.execute(
        "select shobj_description(oid, 'pg_database') from pg_catalog.pg_database where datname = current_database()"
    ).fetchone()
    return row is not None and str(row[0]).startswith(MARK)


def ensure_roles(connection: Connection, *, emit: Sink) -> bool:
    """Make the API roles if some are missing and this role may; True if all are there afterwards.

    Without them grants and policies are left out, and a warning says what an administrator would run.
    """
    missing = _missing(connection, API_ROLES)
    for role in missing:
        if not (_attempt(connection, _create_role(role)) or _attempt(connection, _create_role(role, bypass=False))):
            statements = " ".join(f"{_create_role(name).as_string(connection)};" for name in missing)
            emit(
                Event(
                    "warning",
                    "demo",
                    f"roles {', '.join(missing)} are missing and this role may not make them: grants and policies are "
                    f"left out. An administrator can run: {statements} Then make the demo again.",
                )
            )
            return False
    row = connection.execute(
        "select from pg_catalog.pg_roles where rolname = 'service_role' and not rolbypassrls and not rolsuper"
    ).fetchone()
    if row is not None:
        emit(
            Event(
                "warning",
                "demo",
                "service_role is under row-level security here. An administrator can run: "
                "alter role service_role bypassrls;",
            )
        )
    return True


def _attempt(connection: Connection, statement: sql.Composed) -> bool:
    try:
        with connection.transaction():
            connection.execute(statement)
    except pg.InsufficientPrivilege:
        return False
    except (pg.DuplicateObject, pg.UniqueViolation):  # somebody else was faster
        return True
    return True


def lay_tables(connection: Connection, *, roles: bool) -> None:
    """Run the files of `sql/source/` that come before the rows.

    Args:
        roles: whether the API roles are there to be granted something.
    """
    _run(connection, roles=roles, before_rows=True)


def lay_keys(connection: Connection, *, roles: bool) -> None:
    """Run the files that come after the rows: keys, functions, views, grants and policies."""
    _run(connection, roles=roles, before_rows=False)


def _run(connection: Connection, *, roles: bool, before_rows: bool) -> None:
    for path in sorted((catalog.default_root() / "source").glob("*.sql")):
        if (path.name < _ROWS_COME_BEFORE) is before_rows and (roles or path.name not in _NEEDS_ROLES):
            connection.execute(path.read_bytes())
