"""Abort: stop whoever runs, alive or hanging or dead, then take everything back and open the window (C8).

The wish is noted in the database first, so that a runner notices it, no other call goes on with the run, and an abort
that was cut off itself is finished by the next one.
"""

from __future__ import annotations

import time
from contextlib import suppress

import psycopg

from crm_migrate import execute, history, pooler, postgres, wayback
from crm_migrate.errors import NoSuchRun, Refused
from crm_migrate.events import Event, Sink
from crm_migrate.execute import Run
from crm_migrate.night import Night
from crm_migrate.postgres import Connection
from crm_migrate.runners import APPLICATION, Holder, runner_of

_LEAST_SECONDS = 2.0  # what a runner gets to stop by itself, whatever grace_seconds says
_CANCEL_SECONDS = 0.5  # between two cancellations, so that what it does to stop cleanly is not cancelled too
_LOOK_SECONDS = 0.1
_ENDING_MS = 5_000


def under_way(url: str) -> str | None:
    """The run that has begun in a database and has not come to an end, or None."""
    with postgres.connect(url, autocommit=True, purpose="abort") as connection:
        found = [run for run in history.runs(connection) if run.status not in ("completed", "rolled_back")]
    return found[-1].run_id if found else None


def begun(url: str) -> tuple[str, ...]:
    """The runs that were begun in a database, oldest first; each can be taken back also where its folder is lost."""
    with postgres.connect(url, autocommit=True, purpose="abort") as connection:
        return tuple(run.run_id for run in history.runs(connection))


def abort(night: Night, *, confirm: str | None) -> Run:
    """Stop the run, take everything back in place, and open the window.

    Raises:
        Refused: no confirmation; the run is completed; or its sessions are not this role's to end.
        NoSuchRun: this run was not begun in this database.
        StepFailed, AnswerIsNo: it could not be taken back wholly; the same call goes on.
    """
    with postgres.connect(night.url, autocommit=True, purpose="abort") as connection:
        pooler.require_own_backend(connection)
        execute.require_database(connection, confirm)
        if history.run(connection, night.run_id) is None:
            raise NoSuchRun(f"run {night.run_id} was not begun in this database", hint="Nothing to abort.")
        postgres.act_as_owner(connection)
        connection.execute("select set_config(%s, %s, false)", ["lock_timeout", f"{night.settings.lock_timeout_ms}ms"])
        with suppress(psycopg.errors.LockNotAvailable):  # by the runner itself: then it is stopped first
            history.request_abort(connection, night.run_id)
        _stop(connection, grace_seconds=night.settings.grace_seconds, emit=night.emit)
        history.request_abort(connection, night.run_id)
    return wayback.abort(night, confirm=confirm)


def _stop(connection: Connection, *, grace_seconds: float, emit: Sink) -> None:
    """Cancel what the runner does until it lets go of the lock; end its sessions where it does not."""
    deadline = time.monotonic() + max(_LEAST_SECONDS, grace_seconds)
    cancelled = 0.0
    while (holder := postgres.lock_holder(connection)) is not None:
        now = time.monotonic()
        if not cancelled:
            emit(Event("note", "abort", f"stopping {holder}"))
        if now > deadline:
            emit(Event("warning", "abort", f"it does not stop by itself; its sessions are ended: {holder}"))
            _each(connection, holder, f"select pg_terminate_backend(pid, {_ENDING_MS}) from unnest(%s) as pid")
        elif now - cancelled > _CANCEL_SECONDS:
            _each(connection, holder, "select pg_cancel_backend(pid) from unnest(%s) as pid")
            cancelled = now
        time.sleep(_LOOK_SECONDS)


def _each(connection: Connection, holder: Holder, statement: str) -> None:
    """Do something to every session of the holder's process: the one with the lock, and those beside it."""
    runner = runner_of(holder.application)
    rows = connection.execute(
        """
        select pid, application_name from pg_catalog.pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()
            and split_part(application_name, ' ', 1) = %s
        """,
        [APPLICATION],
    ).fetchall()
    beside = [
        pid
        for pid, name in rows
        if runner is not None and (other := runner_of(name)) is not None and other.of_same_process(runner)
    ]
    try:
        connection.execute(statement.encode(), [sorted({holder.pid, *beside})])
    except psycopg.errors.InsufficientPrivilege:
        raise Refused(
            f"this role may not stop the runner: {holder}",
            hint="Connect as the role that runs it, or stop its process there; then run the same command again.",
        ) from None
