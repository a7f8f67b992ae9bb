"""Is the server fit, and is nobody else in the way (B4)?"""

from __future__ import annotations

import psycopg
from psycopg.conninfo import make_conninfo

from crm_migrate import history, postgres
from crm_migrate.errors import MigrationError
from crm_migrate.postgres import Connection, Server
from crm_migrate.preflight.answers import Check

OLDEST = 150_000  # H1


def version(_connection: Connection, server: Server) -> Check:
    """PostgreSQL 15 or later (H1)."""
    return Check(
        "version",
        server.version >= OLDEST,
        f"PostgreSQL {server.version_text}",
        "" if server.version >= OLDEST else "Upgrade the server to PostgreSQL 15 or later first.",
    )


def writable(connection: Connection, _server: Server) -> Check:
    """No standby, and no database that is read-only by default."""
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


def lock(connection: Connection, _server: Server) -> Check:
    """No other session holds the migration's lock (C7)."""
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


def other_runs(connection: Connection, _server: Server) -> Check:
    """No other run has changed this database, or begun to."""
    found = [
        f"run {run.run_id} "
        + ("has migrated this database" if run.status == "completed" else f"is midway ({run.status})")
        for run in history.runs(connection)
        if run.stage not in ("close", "snapshot", "backup") and run.status != "rolled_back"
    ]
    return Check(
        "other runs",
        not found,
        "; ".join(found) if found else "none has changed this database",
        "Go on with it, or take it back with `crm-migrate rollback`." if found else "",
    )


def pooler(connection: Connection, _server: Server) -> Check:
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


def is_pooled(first: int, other: int, again: int) -> bool:
    """Whether two sessions share backends: the same one serves both, or a session's own has changed.

    Args:
        first: backend of session A; other: that of session B while it holds a transaction; again: that of A meanwhile.
    """
    return first == other or first != again


def _backend(connection: Connection) -> int:
    row = connection.execute("select pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])
