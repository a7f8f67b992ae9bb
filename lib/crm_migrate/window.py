"""`crm-migrate window`: whether users may write, and a way to let them that works when the runner is dead (C8)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from crm_migrate import history, maintenance, pooler, postgres
from crm_migrate.events import Event, Sink
from crm_migrate.history import RunRecord
from crm_migrate.postgres import Connection


@dataclass(frozen=True, slots=True)
class WindowState:
    """Whether the window is closed, and why.

    Attributes:
        since: when it was closed; None where it is open.
        until: when it is likely to open; None where nobody has estimated that.
        run_id: the run that closed it.
        run_status: how that run is; one that is noted as running and driven by nobody is stopped.
        runner: who drives a run now, in words; None where nobody does.
        means: what follows from that, in one sentence.
    """

    closed: bool
    since: datetime | None
    until: datetime | None
    run_id: str | None
    run_status: str | None
    runner: str | None
    means: str


def status(url: str) -> WindowState:
    """Ask the database; reads only."""
    with postgres.connect(url, autocommit=True, purpose="window") as connection:
        return _state(connection)


def open_(url: str, *, emit: Sink) -> WindowState:
    """Open the window exactly as it was stored, where nobody drives a run; nothing where it is open already.

    Raises:
        Refused: a runner holds the migration's lock.
    """
    with postgres.connect(url, autocommit=True, purpose="window") as connection:
        pooler.require_own_backend(connection)
        with postgres.migration_lock(connection):
            before = _state(connection)
            if before.closed:
                postgres.act_as_owner(connection)
                maintenance.open_(connection)
                emit(Event("note", "window", "open: everybody has the rights they had before"))
                midway = _midway(connection, before.run_id)
                if midway is not None:
                    emit(Event("warning", "window", _of_midway(_as_driven(midway, driven=False))))
        return _state(connection)


def _state(connection: Connection) -> WindowState:
    found, holder = maintenance.window(connection), postgres.lock_holder(connection)
    mine = holder is not None and holder.pid == postgres.backend_pid(connection)
    runner = None if holder is None or mine else str(holder)
    run = None if found is None or found.run_id is None else history.run(connection, found.run_id)
    run = None if run is None else _as_driven(run, driven=runner is not None)
    if found is None:
        midway = _midway(connection, None)
        midway = None if midway is None else _as_driven(midway, driven=runner is not None)
        means = "Users may write." if midway is None else f"Users may write. {_of_midway(midway)}"
        return WindowState(False, None, None, None, None, runner, means)
    means = "Users may read, and write when the run has ended."
    if runner is None:
        means = f"Nobody drives a run: {history.ways_on(run)}, or let users write with `crm-migrate window open`."
    return WindowState(True, found.since, found.until, found.run_id, None if run is None else run.status, runner, means)


def _as_driven(run: RunRecord, *, driven: bool) -> RunRecord:
    """The run; what is noted as running, and driven by nobody, has stopped."""
    return replace(run, status="stopped") if run.status == "running" and not driven else run


def _midway(connection: Connection, run_id: str | None) -> RunRecord | None:
    """The run that has begun to change the database and has not ended."""
    found = [
        run
        for run in history.runs(connection)
        if run.stage in ("phases", "verify", "revert") and run.status not in ("completed", "rolled_back")
        if run_id is None or run.run_id == run_id
    ]
    return found[-1] if found else None


def _of_midway(run: RunRecord) -> str:
    if run.restored:
        return (
            f"Run {run.run_id} is restored from its dump, and its end is not noted yet: `crm-migrate rollback` does "
            "that, and keeps what users write now."
        )
    if run.stage == "revert":
        return (
            f"Run {run.run_id} is half taken back ({run.status}): `crm-migrate rollback` closes the window again, "
            "takes the rest back and keeps what users write now; with --restore it is lost."
        )
    return (
        f"Run {run.run_id} is midway ({run.status}): what users write now it has not seen and did not predict, so that "
        "its verification may fail. `crm-migrate abort` takes it back and keeps what they write; `crm-migrate execute` "
        "closes the window again and goes on."
    )
