"""A run as somebody sees it who does not drive it: from the database, from any machine; from its files without one.

Works before the first change and after the end, while the runner works and once it is dead; reads only.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from crm_migrate import execute, history, maintenance, postgres, watch
from crm_migrate.errors import NoSuchRun, ServerUnreachable
from crm_migrate.execute import PhaseState, Run, StepState
from crm_migrate.plan import Plan
from crm_migrate.postgres import Connection
from crm_migrate.watch import Progress

EVENTS = 8  # the last ones, which are shown
STALE_SECONDS = 10.0  # the watch writes each second


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of a run."""

    at: str
    kind: str
    name: str
    message: str


@dataclass(frozen=True, slots=True)
class WindowSeen:
    """The window, while it is closed."""

    since: str
    until: str | None


@dataclass(frozen=True, slots=True)
class Sight:
    """How a run is.

    Attributes:
        status: running, paused, stopped, completed or rolled_back.
        source: what tells it: the database, or the files of the run.
        runner: who drives it now, in words; None where nobody does, or files tell it.
        seconds_ago: how old `progress` is; None where there is none.
        phases: as `progress` has them while the run is under way, else as they are committed.
        step: the one at hand, or that failed.
        error: why it stopped last.
        hint: what to do now; empty where there is nothing to do but wait.
        events: the last ones, oldest first.
    """

    run_id: str
    database: str
    status: str
    stage: str
    source: str
    started_at: str
    finished_at: str | None
    host: str
    process: int
    runner: str | None
    seconds_ago: float | None
    progress: Progress | None
    phases: tuple[PhaseState, ...]
    step: StepState | None
    rejects: int
    window: WindowSeen | None
    error: str | None
    hint: str
    events: tuple[Happened, ...]


def find(connection: Connection, run_id: str | None) -> str | None:
    """The run of this database that is meant: the one under way, else the last that began; None where there is none."""
    known = history.runs(connection)
    if run_id is not None:
        return run_id if any(run.run_id == run_id for run in known) else None
    driven = [run for run in known if run.status == "running"]
    return (driven or list(known))[-1].run_id if known else None


def see(connection: Connection, plan: Plan, run_id: str) -> Sight:
    """Ask the database.

    Raises:
        NoSuchRun: it knows no such run.
    """
    run = execute.state(connection, plan, run_id)
    holder = postgres.lock_holder(connection)
    running = run.status == "running" and holder is not None
    written = watch.last(connection, run_id)
    age = None if written is None else max(0.0, written[1].total_seconds())
    progress = None if written is None else written[0]
    return _sight(
        run,
        source="database",
        runner=str(holder) if running else None,
        seconds_ago=None if age is None else round(age, 1),
        progress=progress,
        phases=_phases(run, progress) if running and progress is not None else run.phases,
        window=_window(connection),
        hint=_hint(run, quiet=running and (age or 0.0) > STALE_SECONDS),
        events=_events(connection, run_id),
    )


def read(folder: Path, *, why: str) -> Sight:
    """Read the files of a run.

    Args:
        why: why the database is not asked, as a sentence.

    Raises:
        NoSuchRun: this run was not executed from here.
    """
    run = execute.load(folder)
    return _sight(
        run,
        source="files",
        runner=None,
        seconds_ago=None,
        progress=None,
        phases=run.phases,
        window=None,
        hint=f"{why} This is what run.json says. {_hint(run, quiet=False)}".strip(),
        events=_lines(folder / "events.jsonl"),
    )


def _sight(run: Run, *, phases: tuple[PhaseState, ...], progress: Progress | None, **given: Any) -> Sight:
    rejects = sum(phase.rejects for phase in run.phases)
    step = next((step for step in reversed(run.steps) if step.status in ("failed", "running")), None)
    return Sight(
        run_id=run.run_id,
        database=run.database,
        status=run.status,
        stage=run.stage,
        started_at=run.started_at,
        finished_at=run.finished_at,
        host=run.host,
        process=run.pid,
        progress=progress,
        phases=phases,
        step=step,
        rejects=max(rejects, 0 if progress is None or run.status != "running" else progress.rejects),
        error=run.error,
        **given,
    )


def _window(connection: Connection) -> WindowSeen | None:
    found = maintenance.window(connection)
    if found is None:
        return None
    return WindowSeen(_said(found.since), None if found.until is None else _said(found.until))


def _phases(run: Run, progress: Progress) -> tuple[PhaseState, ...]:
    """What is committed, and beyond it what the runner says of its open transaction."""
    told = {phase.phase: phase for phase in progress.phases}
    return tuple(
        PhaseState(
            phase=phase.phase,
            status=told[phase.phase].status if phase.phase in told else phase.status,
            seconds=max(phase.seconds, told[phase.phase].seconds if phase.phase in told else 0.0),
            rows=phase.rows,
            rejects=phase.rejects,
        )
        for phase in run.phases
    )


def _hint(run: Run, *, quiet: bool) -> str:
    if quiet:
        return (
            "The runner holds its lock and has said nothing for a while: its machine may be cut off or asleep, or it "
            "cannot write. `crm-migrate abort` ends it where it hangs."
        )
    if run.status == "stopped" and run.stage == "revert":
        return f"Nobody drives it. `crm-migrate rollback --run {run.run_id} --confirm {run.database}` goes on."
    if run.status in ("stopped", "paused"):
        said = "It is paused." if run.status == "paused" else "Nobody drives it."
        again = f"--run {run.run_id} --confirm {run.database}"
        return f"{said} `crm-migrate execute {again}` goes on, `crm-migrate abort {again}` takes it back."
    return ""


def _events(connection: Connection, run_id: str) -> tuple[Happened, ...]:
    rows = connection.execute(
        "select at, kind, name, message from migration.events where run_id = %s order by id desc limit %s",
        [run_id, EVENTS],
    ).fetchall()
    return tuple(Happened(_said(at), kind, name, message) for at, kind, name, message in reversed(rows))


def _lines(file: Path) -> tuple[Happened, ...]:
    """The last events of a file; a line that was cut short is left out."""
    found: list[Happened] = []
    with suppress(OSError), file.open(encoding="utf-8", errors="replace") as lines:
        for line in deque((line for line in lines if '"kind": "progress"' not in line), maxlen=EVENTS):
            with suppress(ValueError, KeyError, TypeError):
                event = json.loads(line)
                found.append(Happened(event["at"], event["kind"], event["name"], event["message"]))
    return tuple(found)


def _said(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def anywhere(url: str, plan: Plan, run_id: str | None, folders: Sequence[Path]) -> Sight:
    """See a run: in the database, and where that cannot be asked or does not know it, in its files.

    Args:
        run_id: None for the one under way, else the last one.
        folders: of the runs that lie here, oldest first.

    Raises:
        NoSuchRun: nobody knows of it, or there is none.
        NotAtomicCrm: the database is none, or not this role's to look at.
    """
    why = "The database does not know this run."
    try:
        with postgres.connect(url, autocommit=True, purpose="monitor") as connection:
            postgres.require_atomic_crm(connection)
            postgres.set_limits(connection, {"lock_timeout": "2s", "statement_timeout": "10s"})
            postgres.act_as_owner(connection)
            found = find(connection, run_id)
            if found is not None:
                return see(connection, plan, found)
    except ServerUnreachable as error:
        why = f"{error}."
    except psycopg.OperationalError as error:  # it goes away meanwhile, or somebody locks what is asked for
        why = f"The database does not answer ({type(error).__name__})."
    return from_files(folders, run_id, why=why)


def from_files(folders: Sequence[Path], run_id: str | None, *, why: str) -> Sight:
    """Read the files of the run that is meant, else of the last one.

    Args:
        folders: of the runs that lie here, oldest first.
        why: why the database is not asked, as a sentence.

    Raises:
        NoSuchRun: none was executed from here, or not this one.
    """
    meant = next((folder for folder in reversed(folders) if run_id in (None, folder.name)), None)
    if meant is None:
        raise NoSuchRun(f"there is no such run to watch. {why}", hint="Begin it with `crm-migrate execute`.")
    try:
        return read(meant, why=why)
    except NoSuchRun as error:
        raise NoSuchRun(f"{error}, as far as is known here. {why}", hint=error.hint) from None
