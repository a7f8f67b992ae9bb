"""Sessions with PostgreSQL: connect, ask who and where we are, take the lock, set time-outs, try again (C7, C9)."""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from psycopg import errors as pg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from crm_migrate.errors import NotAtomicCrm, Refused, ServerUnreachable, UsageError
from crm_migrate.runners import Holder, application_name

LOCK_KEY = 0x43524D  # "CRM": one migration a database at a time (C7)
SOURCE_TABLES = ("companies", "contacts", "contactNotes", "dealNotes", "deals", "sales", "tags", "tasks")
OPTIONAL_TABLES = ("tags_color_backup",)
SOURCE_COLUMNS = {
    "companies": "id created_at name sector size linkedin_url website phone_number address zipcode city stateAbbr "
    "sales_id context_links country description revenue tax_identifier logo",
    "contacts": "id first_name last_name gender title background avatar first_seen last_seen has_newsletter status "
    "tags company_id sales_id linkedin_url email_jsonb phone_jsonb",
    "contactNotes": "id contact_id text date sales_id status attachments",
    "dealNotes": "id deal_id type text date sales_id attachments",
    "deals": "id name company_id contact_ids category stage description amount created_at updated_at archived_at "
    "expected_closing_date sales_id index",
    "sales": "id first_name last_name email administrator user_id avatar disabled",
    "tags": "id name color",
    "tasks": "id contact_id type text due_date done_date sales_id",
}
API_ROLES = ("anon", "authenticated", "service_role")

Connection = psycopg.Connection[tuple[Any, ...]]
T = TypeVar("T")
# What libpq says as each session of this process begins, of its libraries and its programs, too: a time and a text read
# the same whatever the database, the role or the person's environment has set. A pooler takes these where it refuses
# `options`.
os.environ.update(PGTZ="UTC", PGDATESTYLE="ISO, MDY", PGCLIENTENCODING="UTF8")
logging.getLogger("psycopg").addHandler(logging.NullHandler())  # a lost session is told once, in words
# What a session asks for once it stands, as far as the server knows it, whatever a role or a database has set: none of
# the time-outs that no setting of ours raises, names in quotes only where they need them, row-level security that hides
# rows and does not raise, and no compiling of queries, which takes longer than nearly all of ours. A server also looks
# now and then whether we still live, so that a killed runner's statement does not hold the lock for its whole length.
AS_OURS = """
    select set_config(wanted.name, wanted.value, false)
    from (
        values ('idle_session_timeout', '0'), ('transaction_timeout', '0'), ('quote_all_identifiers', 'off'),
            ('row_security', 'on'), ('jit', 'off'), ('client_connection_check_interval', '1s')
    ) as wanted (name, value)
    where current_setting(wanted.name, true) is not null
        and (wanted.name <> 'client_connection_check_interval' or version() !~* 'windows|mingw|visual|msvc')
"""
# Which privilege on a role lets a session take it on: from 16 on a member may be one without that.
MAY_BECOME = "case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end"
_TRY_AGAIN = (pg.LockNotAvailable, pg.DeadlockDetected, pg.SerializationFailure)


@dataclass(frozen=True, slots=True)
class Server:
    """Who and where a session is; holds no secret.

    Attributes:
        host: as the client named it; a folder is a Unix socket.
        version: `server_version_num`, 150018 for 15.18.
        migrated: whether deals have become opportunities, whatever answers under the old name.
    """

    host: str
    port: str
    database: str
    role: str
    version: int
    version_text: str
    superuser: bool
    migrated: bool

    @property
    def place(self) -> str:
        """Database, host and role in one phrase, for messages."""
        return f"database {self.database} on {self.host or 'the local socket'} as {self.role}"


def check_url(url: str) -> dict[str, str]:
    """The parts of a libpq URI or keyword string, without its password.

    Raises:
        UsageError: it is neither.
    """
    try:
        parts = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError:
        raise UsageError(
            "CRM_MIGRATE_DATABASE_URL is not a libpq URI or keyword string",
            hint="Write postgresql://role@host:5432/database, or host=… dbname=… user=….",
        ) from None
    parts.pop("password", None)
    return parts


def connect(url: str, *, autocommit: bool = False, purpose: str = "") -> Connection:
    """Open a session.

    Args:
        purpose: a word in the application name that pg_stat_activity shows.

    Raises:
        ServerUnreachable: wrong host, port, password or database; says which, without the password.
    """
    parts = check_url(url)
    try:
        connection = psycopg.connect(
            url,
            autocommit=True,
            application_name=application_name(purpose),
            client_encoding="UTF8",
            connect_timeout=10,
        )
    except psycopg.OperationalError as error:
        raise ServerUnreachable(_why_unreachable(parts, error), hint=_what_to_try(error)) from None
    try:
        connection.execute(AS_OURS)
        connection.autocommit = autocommit
    except BaseException:
        connection.close()
        raise
    return connection


def _why_unreachable(parts: dict[str, str], error: psycopg.OperationalError) -> str:
    where = parts.get("host") or parts.get("hostaddr") or parts.get("service") or "the local socket"
    lines = [line for line in str(error).splitlines() if "failed" in line or "FATAL" in line]
    reason = (lines[0] if lines else str(error) or "no answer").rsplit("FATAL:", 1)[-1].rsplit("failed:", 1)[-1].strip()
    database = parts.get("dbname", "")
    return f"no session with database {database!r} on {where}: {reason}"


def _what_to_try(error: psycopg.OperationalError) -> str:
    text = str(error)
    if "password" in text or "authentication" in text:
        return "Check the role and its password (PGPASSWORD, .pgpass or a service file)."
    if "too many" in text or "connection slots" in text:
        return "End sessions of the application, or raise max_connections (of the role, of the database)."
    if "does not exist" in text:
        return "Check the names in CRM_MIGRATE_DATABASE_URL; `crm-migrate demo` makes a sample where it is unset."
    return "Check host and port in CRM_MIGRATE_DATABASE_URL, and that the server runs and lets this machine in."


def who_am_i(connection: Connection) -> Server:
    """Ask the server; works before and after the migration."""
    row = connection.execute(
        """
        select
            current_database(), current_user, current_setting('server_version_num')::int,
            current_setting('server_version'),
            (select roles.rolsuper from pg_catalog.pg_roles as roles where roles.rolname = current_user),
            exists (
                select from pg_catalog.pg_attribute
                where attrelid = to_regclass('public.opportunities') and attname = 'legacy_stage' and not attisdropped
            )
        """
    ).fetchone()
    assert row is not None
    database, role, version, text, superuser, migrated = row
    info = connection.info
    return Server(info.host or "", str(info.port), database, role, version, text.split()[0], superuser, migrated)


def system_identifier(connection: Connection) -> str:
    """The number that tells a server from all others, its copies and standbys excepted; empty where we may not ask."""
    row = connection.execute("select has_function_privilege('pg_control_system()', 'execute')").fetchone()
    if row != (True,):
        return ""
    row = connection.execute("select system_identifier::text from pg_control_system()").fetchone()
    assert row is not None
    return str(row[0])


def require_atomic_crm(connection: Connection) -> Server:
    """Check that the tables are there, that this role owns them or may act as their owner, and that it sees every row.

    A role under row-level security would read fewer rows without an error (source-schema.md, oddity 8).

    Raises:
        NotAtomicCrm: says what is missing, or which table would hide rows.
    """
    server = who_am_i(connection)
    if server.version < 150000:
        raise NotAtomicCrm(
            f"{server.place} runs PostgreSQL {server.version_text}; 15 is the oldest that works",
            hint="Upgrade the server first.",
        )
    if _encoding(connection) == "SQL_ASCII":
        raise NotAtomicCrm(
            f"{server.place} has encoding SQL_ASCII: nobody can say which characters its texts are made of",
            hint="Dump it and restore it into a database of encoding UTF8 first.",
        )
    tables = [name for name in SOURCE_TABLES if not (server.migrated and name in _gone_later(connection))]
    missing = [name for name in tables if not _exists(connection, name)]
    if missing:
        raise NotAtomicCrm(
            f"{server.place} is not an Atomic CRM: schema public lacks {', '.join(missing)}",
            hint="Check the database's name; `crm-migrate demo` makes a sample.",
        )
    lacking = [
        f"{table}.{column}"
        for table in tables
        for column in sorted(set(SOURCE_COLUMNS[table].split()) - set(columns(connection, f"public.{table}")))
    ]
    if lacking:
        raise NotAtomicCrm(
            f"{server.place} differs from an Atomic CRM: it lacks {', '.join(lacking)}",
            hint="Columns may be added to it, but none of its own may be gone; add the column again, empty if need be.",
        )
    blind = [
        table
        for (table,) in connection.execute(
            """
            select classes.relname
            from pg_catalog.pg_class as classes
            where classes.relnamespace = 'public'::regnamespace and classes.relname = any (%s)
                and classes.relkind in ('r', 'p')
                and (row_security_active(classes.oid) or not has_table_privilege(classes.oid, 'select'))
            order by 1
            """,
            [[*SOURCE_TABLES, *OPTIONAL_TABLES, "opportunities", "opportunityNotes"]],
        )
    ]
    if blind:
        raise NotAtomicCrm(
            f"role {server.role} does not see every row of {', '.join(blind)}",
            hint="Connect as the owner of the tables; where one forces row-level security on its owner too, let an "
            "administrator give that role BYPASSRLS: the night acts as it, whoever is connected.",
        )
    return server


def _encoding(connection: Connection) -> str:
    row = connection.execute("select current_setting('server_encoding')").fetchone()
    assert row is not None
    return str(row[0])


def _gone_later(connection: Connection) -> set[str]:
    """The old names that need not answer any more: `cleanup` took them away, the state of the migration too perhaps."""
    rows = connection.execute(
        """
        select listed.name from unnest(array['deals', 'dealNotes']) as listed (name)
        where to_regclass(format('migration.%I', listed.name)) is not null or to_regclass('migration.runs') is null
        """
    ).fetchall()
    return {name for (name,) in rows}


def act_as_owner(connection: Connection) -> None:
    """Take on the role that owns the tables, so that new objects belong to it whoever is connected.

    Raises:
        NotAtomicCrm: this role is neither the owner nor may it act as the owner.
    """
    row = connection.execute(
        f"""
        select pg_get_userbyid(relowner), pg_has_role(relowner, {MAY_BECOME}), pg_get_userbyid(relowner) = current_user
        from pg_catalog.pg_class where oid = to_regclass('public.contacts')
        """.encode()
    ).fetchone()
    assert row is not None
    owner, may, already = row
    if already:
        return
    if not may:
        raise NotAtomicCrm(
            f"role {connection.info.user} does not own the tables; {owner} does",
            hint=f"Connect as {owner}, or as a role that is a member of it and may take it on.",
        )
    connection.execute(sql.SQL("set role {}").format(sql.Identifier(owner)))


def _exists(connection: Connection, table: str) -> bool:
    row = connection.execute("select to_regclass(%s) is not null", [f'public."{table}"']).fetchone()
    return bool(row and row[0])


def backend_pid(connection: Connection) -> int:
    """The number of this session's process; libpq knows it too, but behind a pooler that is one of the pooler's making.

    Not prepared: behind some poolers the next statement goes to another process.
    """
    row = connection.execute("select pg_backend_pid()", prepare=False).fetchone()
    assert row is not None
    return int(row[0])


def set_limits(connection: Connection, limits: Mapping[str, str], *, local: bool = False) -> None:
    """Set time-outs and memory, by PostgreSQL's own names (C9).

    Args:
        local: for the transaction that is open, savepoints of it included, and not for the session.
    """
    connection.execute(
        "select set_config(name, value, %s) from unnest(%s::text[], %s::text[]) as limits (name, value)",
        [local, list(limits), list(limits.values())],
    )


@contextmanager
def search_path(connection: psycopg.Connection[Any], path: str) -> Iterator[None]:
    """Within a transaction, or a savepoint of the caller's, give another search_path; then it is as before.

    Args:
        path: schemas whose names go without theirs; empty so that PostgreSQL writes every name in full.
    """
    with connection.transaction():
        row = connection.execute("select current_setting('search_path')").fetchone()
        assert row is not None
        connection.execute("select set_config('search_path', %s, true)", [path])
        yield
        connection.execute("select set_config('search_path', %s, true)", [row[0]])


@contextmanager
def migration_lock(connection: Connection) -> Iterator[None]:
    """Hold the session advisory lock: one run at a time a database (C7).

    The lock belongs to the session: it outlives transactions and ends with the connection, so that a session which is
    lost or cancelled as it gives the lock back needs no word; what ended the work is what is told.

    Raises:
        Refused: another session holds it; names that session.
    """
    row = connection.execute("select pg_try_advisory_lock(%s)", [LOCK_KEY]).fetchone()
    if not (row and row[0]):
        raise _taken(lock_holder(connection))
    try:
        yield
    finally:
        with suppress(psycopg.Error):
            connection.rollback()
            connection.execute("select pg_advisory_unlock(%s)", [LOCK_KEY])
            connection.commit()


def require_free(connection: Connection) -> None:
    """Check that nobody holds the migration's lock, without taking it.

    Raises:
        Refused: another session holds it; names that session.
    """
    holder = lock_holder(connection)
    if holder is not None:
        raise _taken(holder)


def _taken(holder: Holder | None) -> Refused:
    return Refused(
        f"another run holds the lock: {holder or 'a session that is just ending'}",
        hint="Wait for it, watch it with `crm-migrate monitor`, or stop it: `crm-migrate pause` or `abort`.",
    )


def lock_holder(connection: Connection) -> Holder | None:
    """Who holds the migration's lock in this database, or None."""
    row = connection.execute(
        """
        select locks.pid, activity.application_name, coalesce(host(activity.client_addr), 'the local socket'),
            activity.backend_start
        from pg_catalog.pg_locks as locks
        left join pg_catalog.pg_stat_activity as activity on activity.pid = locks.pid
        where locks.locktype = 'advisory' and locks.granted and locks.classid = 0 and locks.objid = %s
            and locks.database = (select oid from pg_catalog.pg_database where datname = current_database())
        """,
        [LOCK_KEY],
    ).fetchone()
    return None if row is None else Holder(row[0], row[1] or "", row[2], row[3])


def retried(
    work: Callable[[], T], *, tries: int, said: Callable[[str], None], sleep: Callable[[float], None] = time.sleep
) -> T:
    """Do `work`, again after a lock time-out, a deadlock or a serialisation failure, and after nothing else (C9).

    Waits 0.1 s, then twice as long each time up to 10 s, with jitter.

    Args:
        work: leaves its transaction rolled back when it raises.
        tries: how often again.
        said: told each time, with the SQLSTATE.
    """
    for attempt in range(tries):
        try:
            return work()
        except _TRY_AGAIN as error:
            pause = min(10.0, 0.1 * 2**attempt) * random.uniform(0.5, 1.5)
            said(f"SQLSTATE {error.sqlstate}; trying again in {pause:.1f} s ({attempt + 1} of {tries})")
            sleep(pause)
    return work()


def table_name(name: str) -> sql.Identifier:
    """A possibly schema-qualified name, quoted: `public.contactNotes` becomes "public"."contactNotes"."""
    return sql.Identifier(*name.split("."))


def columns(connection: Connection, table: str) -> dict[str, str]:
    """Columns of a table or view in physical order, with types as PostgreSQL writes them; dropped ones left out."""
    rows: Sequence[tuple[Any, ...]] = connection.execute(
        """
        select attributes.attname, format_type(attributes.atttypid, attributes.atttypmod)
        from pg_catalog.pg_attribute as attributes
        where attributes.attrelid = to_regclass(%s) and attributes.attnum > 0 and not attributes.attisdropped
        order by attributes.attnum
        """,
        [table_name(table).as_string(connection)],
    ).fetchall()
    return dict(rows)
