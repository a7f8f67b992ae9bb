"""What the watcher's own session asks and writes: locks, queries, write-ahead log, long work, migration.progress."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta

import psycopg
from pydantic import TypeAdapter, ValidationError

from crm_migrate import postgres
from crm_migrate.postgres import Connection
from crm_migrate.runners import APPLICATION, application_name, runner_of
from crm_migrate.watch.value import Progress, Server, ServerWork

_LIMITS = {"lock_timeout": "1s", "statement_timeout": "5s", "synchronous_commit": "off"}
_PROGRESS = TypeAdapter(Progress)
_LOOK = """
    select
        (
            select count(*) from pg_catalog.pg_locks as locks
            inner join pg_catalog.pg_database as databases on databases.oid = locks.database
            where not locks.granted and databases.datname = current_database()
        ),
        pg_blocking_pids(%s),
        (
            select count(*) from pg_catalog.pg_stat_activity
            where datname = current_database() and state = 'active' and pid <> pg_backend_pid()
                and backend_type = 'client backend'
        ),
        exists (select from migration.window_state)
"""
_WORK = """
    select 'index', coalesce(relid::regclass::text, ''), coalesce(phase, ''),
        coalesce(blocks_done, 0), coalesce(blocks_total, 0)
    from pg_catalog.pg_stat_progress_create_index where datname = current_database()
    union all
    select 'copy', coalesce(relid::regclass::text, ''), '', coalesce(bytes_processed, 0), coalesce(bytes_total, 0)
    from pg_catalog.pg_stat_progress_copy where datname = current_database()
    union all
    select 'analyze', coalesce(relid::regclass::text, ''), coalesce(phase, ''),
        coalesce(sample_blks_scanned, 0), coalesce(sample_blks_total, 0)
    from pg_catalog.pg_stat_progress_analyze where datname = current_database()
"""


def connect(url: str) -> Connection:
    """The watcher's session: waits for nobody, and does not make the server wait for its disk either."""
    connection = postgres.connect(url, autocommit=True, purpose="watch")
    try:
        postgres.set_limits(connection, _LIMITS)
        postgres.act_as_owner(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def look(connection: Connection, *, runner: int, wal_since: int | None) -> Server:
    """Ask the server.

    Args:
        runner: the backend of the runner's session.
        wal_since: the place in the write-ahead log where the watch began; None where that may not be asked.
    """
    row = connection.execute(_LOOK.encode(), [runner]).fetchone()
    assert row is not None
    waited_for, blocked_by, active, closed = row
    now = None if wal_since is None else wal(connection)
    return Server(
        wal_bytes=None if now is None or wal_since is None else now - wal_since,
        locks_waited_for=waited_for,
        blocked_by=tuple(sorted(set(blocked_by))),
        active_queries=active,
        window_closed=closed,
        work=tuple(ServerWork(*found) for found in connection.execute(_WORK.encode()).fetchall()),
    )


def wal(connection: Connection) -> int | None:
    """The place in the write-ahead log, in bytes; None where this role may not ask."""
    try:
        row = connection.execute("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint").fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return None
    assert row is not None
    return int(row[0])


def keep(connection: Connection, run_id: str, progress: Progress) -> None:
    """Write how far a run is, over what was there."""
    connection.execute(
        """
        insert into migration.progress (run_id, document) values (%s, %s)
        on conflict (run_id) do update set at = clock_timestamp(), document = excluded.document
        """,
        [run_id, json.dumps(asdict(progress))],
    )


def last(connection: Connection, run_id: str) -> tuple[Progress, timedelta] | None:
    """What was last written of a run, and how old that is by the server's clock; None where there is nothing."""
    there = connection.execute("select to_regclass('migration.progress') is not null").fetchone()
    if there != (True,):
        return None
    row = connection.execute(
        "select document, clock_timestamp() - at from migration.progress where run_id = %s", [run_id]
    ).fetchone()
    if row is None:
        return None
    try:
        return _PROGRESS.validate_python(row[0]), row[1]
    except ValidationError:  # of another version
        return None


def cancel(connection: Connection, *, runner: int) -> None:
    """Cancel what the runner's other sessions and its pg_dump are at; its own is for the caller to cancel."""
    rows = connection.execute(
        """
        select pid, application_name from pg_catalog.pg_stat_activity
        where datname = current_database() and pid <> all (%s) and split_part(application_name, ' ', 1) = %s
        """,
        [[runner, postgres.backend_pid(connection)], APPLICATION],
    ).fetchall()
    me = runner_of(application_name("watch"))
    assert me is not None
    ours = [pid for pid, name in rows if (other := runner_of(name)) is not None and other.of_same_process(me)]
    connection.execute("select pg_cancel_backend(pid) from unnest(%s::integer[]) as pid", [ours])
