"""Is the server fit, and is nobody else in the way (B4)?"""

from __future__ import annotations

from datetime import UTC

from crm_migrate import history, maintenance, postgres
from crm_migrate import pooler as pooler_module
from crm_migrate.errors import ServerUnreachable
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
    if holder is None or holder.pid == postgres.backend_pid(connection):
        return Check("lock", True, "no other run is under way")
    return Check(
        "lock",
        False,
        f"held by {holder}",
        "Wait for that run, or stop it: `crm-migrate pause` or `crm-migrate abort`.",
    )


def other_runs(connection: Connection, _server: Server) -> Check:
    """No other run has changed this database, or begun to."""
    driven = postgres.lock_holder(connection) is not None

    def midway(status: str) -> str:
        return f"is midway ({'stopped' if status == 'running' and not driven else status})"

    found = [
        f"run {run.run_id} " + ("has migrated this database" if run.status == "completed" else midway(run.status))
        for run in history.runs(connection)
        if run.has_changed and run.status != "rolled_back"
    ]
    return Check(
        "other runs",
        not found,
        "; ".join(found) if found else "none has changed this database",
        "Go on with it, or take it back with `crm-migrate rollback`." if found else "",
    )


def window(connection: Connection, _server: Server) -> Check:
    """A window that a run left closed: users cannot write until somebody does something about it (C8)."""
    found = maintenance.window(connection)
    if found is None:
        return Check("window", True, "open: users may write")
    by = "" if found.run_id is None else f" by run {found.run_id}"
    driven = postgres.lock_holder(connection) is not None
    run = None if found.run_id is None else history.run(connection, found.run_id)
    return Check(
        "window",
        True,
        f"closed since {found.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC{by}",
        ""
        if driven
        else f"Nobody drives that run: {history.ways_on(run)}, or let users write with `crm-migrate window open`.",
    )


def pooler(connection: Connection, _server: Server) -> Check:
    """A session keeps its backend: behind a transaction pooler it would not (C7)."""
    try:
        pooled = pooler_module.is_pooled(connection)
    except ServerUnreachable as error:
        return Check("session", False, f"two more sessions could not be had: {error}", "Raise the connection limit.")
    return Check(
        "session",
        not pooled,
        "a pooler gives each transaction another backend" if pooled else "one session keeps one backend",
        pooler_module.HINT if pooled else "",
    )
