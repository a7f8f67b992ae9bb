"""What the database knows of a run: one row a step (upserted), events and rejects (added), and the run itself (C7).

Nothing here commits: rows, cursor and history belong to the caller's transaction (design, idea 4).
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg import sql

from crm_migrate.catalog import Catalog
from crm_migrate.postgres import Connection

StepStatus = Literal["running", "completed", "failed", "reverted"]


@dataclass(frozen=True, slots=True)
class StepRecord:
    """How far a step is; rows and cursor are of its driving table."""

    phase: str
    step: str
    status: StepStatus
    rows_done: int
    rows_total: int | None
    cursor_key: int | None
    started_at: datetime
    finished_at: datetime | None
    error: str | None

    @property
    def seconds(self) -> float | None:
        """Duration from its first start to its end, or None while it has none."""
        return None if self.finished_at is None else (self.finished_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class RunRecord:
    """How far a run is.

    Attributes:
        stage: the last stage that was entered: close, snapshot, backup, phases, verify, open, done.
        backup_stamp: the UTC time in the names of its backup tables.
        facts: what resume and the way back need: final snapshot, dump; and the error that stopped it last.
    """

    run_id: str
    status: str
    stage: str
    host: str
    pid: int
    backup_stamp: str
    pause_requested: bool
    started_at: datetime
    finished_at: datetime | None
    facts: Mapping[str, Any]

    @property
    def has_changed(self) -> bool:
        """Whether its first change has begun, be it taken back since; before it the database is as it was."""
        return self.stage not in ("close", "snapshot", "backup")

    @property
    def restored(self) -> bool:
        """Whether its dump is back: nothing of it is left to be taken back, whether or not its end is noted."""
        return "restored" in self.facts


def exists(connection: Connection) -> bool:
    """Whether any migration ever left its state in this database."""
    row = connection.execute(
        """
        select count(*) from pg_catalog.pg_attribute
        where attrelid = to_regclass('migration.runs') and attname in ('run_id', 'backup_stamp', 'facts')
        """
    ).fetchone()
    return row == (3,)


def prepare(connection: Connection, catalog: Catalog) -> None:
    """Create schema `migration` and what it holds, where they are not there yet."""
    connection.execute("set local client_min_messages = warning")
    for script in catalog.state:
        connection.execute(script.encode())


def begin(connection: Connection, run_id: str) -> RunRecord:
    """Enter a run, or find it again; this process, which holds the lock, becomes the one that drives it.

    Whatever other run is called running has died without a word.
    """
    connection.execute(
        "update migration.runs set status = 'stopped', finished_at = clock_timestamp() "
        "where status = 'running' and run_id <> %s",
        [run_id],
    )
    connection.execute(
        """
        insert into migration.runs as runs (run_id, status, stage, host, pid, backup_stamp)
        values (%s, 'running', 'close', %s, %s, to_char(clock_timestamp() at time zone 'UTC', 'YYYYMMDD"T"HH24MISS"Z"'))
        on conflict (run_id) do update set status = 'running', host = excluded.host, pid = excluded.pid,
            pause_requested = false, finished_at = null
        """,
        [run_id, socket.gethostname(), os.getpid()],
    )
    record = run(connection, run_id)
    assert record is not None
    return record


def run(connection: Connection, run_id: str) -> RunRecord | None:
    """One run, or None."""
    found = [record for record in runs(connection) if record.run_id == run_id]
    return found[0] if found else None


def runs(connection: Connection) -> tuple[RunRecord, ...]:
    """Every run of this database, oldest first; none where no migration ever left its state."""
    if not exists(connection):
        return ()
    rows = connection.execute(
        """
        select run_id, status, stage, host, pid, backup_stamp, pause_requested, started_at, finished_at, facts
        from migration.runs order by started_at, run_id
        """
    ).fetchall()
    return tuple(RunRecord(*row) for row in rows)


def enter_stage(connection: Connection, run_id: str, stage: str, **facts: object) -> None:
    """Note that a run has come to `stage`, with what later stages need to know."""
    connection.execute(
        "update migration.runs set stage = %s, facts = facts || %s::jsonb where run_id = %s",
        [stage, json.dumps(facts), run_id],
    )


def end(connection: Connection, run_id: str, status: str, *, error: str | None = None) -> None:
    """Note how a run ended, or for now stopped, by the server's clock: completed, stopped, paused or rolled_back.

    Args:
        error: why it stopped; what was noted before stays where None, until the run is completed.
    """
    connection.execute(
        """
        update migration.runs set status = %(status)s, finished_at = clock_timestamp(),
            facts = case
                when %(status)s = 'completed' then facts - 'error'
                when %(error)s::text is null then facts
                else facts || jsonb_build_object('error', %(error)s::text)
            end
        where run_id = %(run)s
        """,
        {"status": status, "error": error, "run": run_id},
    )


def ways_on(record: RunRecord | None) -> str:
    """What leads on from a run that nobody drives; one that is half taken back cannot go on any more."""
    if record is not None and record.stage == "revert" and record.status != "rolled_back":
        return "it is half taken back: finish that with `crm-migrate rollback`"
    return "go on with `crm-migrate execute`, take it back with `crm-migrate abort`"


def put_back(connection: Connection, record: RunRecord) -> None:
    """Note that a run stands where it stood, its end included: what was begun with it since is undone."""
    connection.execute(
        "update migration.runs set status = %s, stage = %s, finished_at = %s, facts = %s::jsonb where run_id = %s",
        [record.status, record.stage, record.finished_at, json.dumps(dict(record.facts)), record.run_id],
    )


def request_pause(connection: Connection) -> str | None:
    """Ask the run that is under way to pause; returns its id, or None where none is."""
    row = connection.execute(
        "update migration.runs set pause_requested = true where status = 'running' returning run_id"
    ).fetchone()
    return None if row is None else str(row[0])


def pause_requested(connection: Connection, run_id: str) -> bool:
    """Whether somebody asked this run to stop, be it to pause or to be aborted."""
    row = connection.execute(
        "select pause_requested or abort_requested from migration.runs where run_id = %s", [run_id]
    ).fetchone()
    return bool(row and row[0])


def request_abort(connection: Connection, run_id: str) -> None:
    """Note that a run is to stop and be taken back, unless it has ended meanwhile; the note is never taken back."""
    connection.execute(
        """
        update migration.runs set abort_requested = true
        where run_id = %s and status not in ('completed', 'rolled_back')
        """,
        [run_id],
    )


def abort_requested(connection: Connection, run_id: str) -> bool:
    """Whether somebody asked for this run to be aborted."""
    row = connection.execute("select abort_requested from migration.runs where run_id = %s", [run_id]).fetchone()
    return bool(row and row[0])


def steps(connection: Connection, run_id: str) -> dict[tuple[str, str], StepRecord]:
    """The steps that a run has begun, by (phase, step)."""
    rows = connection.execute(
        """
        select phase, step, status, rows_done, rows_total, cursor_key, started_at, finished_at, error
        from public.migration_history where run_id = %s
        """,
        [run_id],
    ).fetchall()
    return {(row[0], row[1]): StepRecord(*row) for row in rows}


def start(connection: Connection, run_id: str, phase: str, step: str) -> StepRecord:
    """Note that a step begins, or goes on: a load that has a cursor keeps it, and its first start."""
    row = connection.execute(
        """
        insert into public.migration_history as history (run_id, phase, step, status) values (%s, %s, %s, 'running')
        on conflict (run_id, phase, step) do update set
            status = 'running', finished_at = null, error = null,
            started_at = case when history.cursor_key is null then clock_timestamp() else history.started_at end
        returning phase, step, status, rows_done, rows_total, cursor_key, started_at, finished_at, error
        """,
        [run_id, phase, step],
    ).fetchone()
    assert row is not None
    return StepRecord(*row)


def record(
    connection: Connection,
    run_id: str,
    phase: str,
    step: str,
    status: StepStatus,
    *,
    rows_done: int = 0,
    rows_total: int | None = None,
    cursor_key: int | None = None,
    error: str | None = None,
) -> None:
    """Upsert the row of a step; a step that begins anew after a failure or a revert gets a new start."""
    connection.execute(
        """
        insert into public.migration_history as history
            (run_id, phase, step, status, rows_done, rows_total, cursor_key, finished_at, error)
        values
            (%(run)s, %(phase)s, %(step)s, %(status)s, %(done)s, %(total)s, %(cursor)s,
            case when %(status)s <> 'running' then clock_timestamp() end, %(error)s)
        on conflict (run_id, phase, step) do update set
            status = excluded.status, rows_done = excluded.rows_done, rows_total = excluded.rows_total,
            cursor_key = excluded.cursor_key, finished_at = excluded.finished_at, error = excluded.error,
            started_at = case
                when history.status = 'reverted' then clock_timestamp() else history.started_at
            end
        """,
        {
            "run": run_id,
            "phase": phase,
            "step": step,
            "status": status,
            "done": rows_done,
            "total": rows_total,
            "cursor": cursor_key,
            "error": error,
        },
    )


def fail(connection: Connection, run_id: str, phase: str, step: str, error: str) -> None:
    """Note that a step failed; rows and cursor of its committed batches stay as they are."""
    connection.execute(
        """
        insert into public.migration_history as history (run_id, phase, step, status, finished_at, error)
        values (%s, %s, %s, 'failed', clock_timestamp(), %s)
        on conflict (run_id, phase, step) do update
        set status = 'failed', finished_at = excluded.finished_at, error = excluded.error
        """,
        [run_id, phase, step, error],
    )


def add_event(connection: Connection, run_id: str, kind: str, name: str, message: str) -> None:
    """Append what happened."""
    connection.execute(
        "insert into migration.events (run_id, kind, name, message) values (%s, %s, %s, %s)",
        [run_id, kind, name, message],
    )


def add_reject(
    connection: Connection,
    run_id: str,
    step: str,
    table: str,
    key: int,
    *,
    sqlstate: str,
    message: str,
    row: sql.Composed,
) -> None:
    """Keep a row that could not be brought in (C6).

    Args:
        table: the target, without its schema.
        row: a SELECT of one jsonb that gives the row as its model made it.
    """
    connection.execute(
        sql.SQL(
            'insert into migration.rejects (run_id, step, "table", key, sqlstate, message, "row") '
            "values ({}, {}, {}, {}, {}, {}, coalesce(({}), '[]'))"
        ).format(run_id, step, table, str(key), sqlstate, message, row)
    )


def forget_rejects(connection: Connection, run_id: str, step: str) -> None:
    """Remove what a step rejected, taken in later or not, when the step itself is taken back."""
    connection.execute("delete from migration.rejects where run_id = %s and step = %s", [run_id, step])
    connection.execute("delete from migration.readmitted where run_id = %s and step = %s", [run_id, step])


def reject_causes(connection: Connection, run_id: str, step: str) -> tuple[str, ...]:
    """Why a step rejected rows, the commonest cause first, each with its number and its lowest keys."""
    rows = connection.execute(
        """
        select message, count(*), (array_agg(key order by id))[1:3] from migration.rejects
        where run_id = %s and step = %s group by message order by 2 desc, 1 limit 3
        """,
        [run_id, step],
    ).fetchall()
    return tuple(f"{message}: {count:,}, first keys {', '.join(keys)}" for message, count, keys in rows)


def take_all_back(connection: Connection, run_id: str) -> None:
    """Note, in a restore's transaction, that nothing of a run is left; rejects and changed names are forgotten."""
    enter_stage(connection, run_id, "revert", restored=True)
    connection.execute("update public.migration_history set status = 'reverted' where run_id = %s", [run_id])
    connection.execute("delete from migration.rejects where run_id = %s", [run_id])
    connection.execute("delete from migration.readmitted where run_id = %s", [run_id])
    connection.execute("delete from migration.renames")
    connection.execute("delete from migration.changes")


def rejects(connection: Connection, run_id: str) -> dict[str, tuple[str, ...]]:
    """Keys that a run rejected, by step, in order of the key's text."""
    rows = connection.execute(
        "select step, array_agg(key order by key) from migration.rejects where run_id = %s group by step", [run_id]
    ).fetchall()
    return {step: tuple(keys) for step, keys in rows}
