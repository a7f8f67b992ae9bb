"""How far a run is, as run.json tells it: read from the database, written beside the run, read back."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil
import psycopg
from psycopg.pq import TransactionStatus

from crm_migrate import files, history, postgres
from crm_migrate.errors import NoSuchRun, UsageError
from crm_migrate.plan import Plan, PlannedPhase
from crm_migrate.postgres import Connection

_AGAIN = "Run `crm-migrate execute --confirm DATABASE` again: it writes the file anew, and does nothing twice."
_CLOCK_SECONDS = 2.0  # that a process's start and a file's time may be apart where nothing is wrong
_SAVE_EVERY = 1.0  # seconds between two run.json while batches go by


@dataclass(frozen=True, slots=True)
class StepState:
    """A step as run.json tells of it; seconds and rows are those of its driving table."""

    phase: str
    step: str
    status: str
    rows_done: int
    rows_total: int | None
    seconds: float | None
    error: str | None


@dataclass(frozen=True, slots=True)
class PhaseState:
    """A phase as run.json tells of it: pending, running, completed, failed or reverted."""

    phase: str
    status: str
    seconds: float
    rows: int
    rejects: int


@dataclass(frozen=True, slots=True)
class Run:
    """How far a run is: running, paused, stopped, completed or rolled_back.

    Attributes:
        error: why it stopped last; None for a run that never did, or that is completed.
        override: that and why it was taken back after its time.
    """

    run_id: str
    database: str
    status: str
    stage: str
    started_at: str
    finished_at: str | None
    host: str
    pid: int
    phases: tuple[PhaseState, ...]
    steps: tuple[StepState, ...]
    error: str | None = None
    override: str | None = None


def load(folder: Path) -> Run:
    """Read `run.json`; a run whose process on this machine is gone was stopped, whatever it last wrote.

    Raises:
        NoSuchRun: this run was not executed yet.
        DamagedFile: the file is not what this version saves.
    """
    try:
        run = files.read_value(folder / "run.json", Run, hint=_AGAIN)
    except FileNotFoundError:
        raise NoSuchRun(
            f"run {folder.name} was not executed yet", hint="Run `crm-migrate execute --confirm DATABASE` first."
        ) from None
    here = run.status == "running" and run.host == socket.gethostname()
    return replace(run, status="stopped") if here and _is_gone(run.pid, folder / "run.json") else run


def _is_gone(pid: int, file: Path) -> bool:
    """Whether the process that wrote `file` is; another one that began later may have its number by now."""
    try:
        process = psutil.Process(pid)
        later = process.create_time() > file.stat().st_mtime + _CLOCK_SECONDS
        return later or process.status() == psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, OSError):
        return True
    except psutil.Error:  # somebody else's
        return False


def state(connection: Connection, plan: Plan, run_id: str) -> Run:
    """How far a run is, from what the database says of it; one that nobody drives any more is stopped."""
    record = history.run(connection, run_id)
    if record is None:
        raise NoSuchRun(f"this database knows no run {run_id}", hint="`crm-migrate status` lists what there is.")
    steps, rejects = history.steps(connection, run_id), history.rejects(connection, run_id)
    died = record.status == "running" and postgres.lock_holder(connection) is None
    return Run(
        run_id=run_id,
        database=connection.info.dbname,
        status="stopped" if died else record.status,
        stage=record.stage,
        started_at=record.started_at.isoformat(timespec="seconds"),
        finished_at=None if record.finished_at is None else record.finished_at.isoformat(timespec="seconds"),
        host=record.host,
        pid=record.pid,
        phases=tuple(_phase_state(phase, steps, rejects) for phase in plan.phases),
        steps=tuple(
            StepState(
                phase=kind.phase,
                step=kind.step.name,
                status=found.status,
                rows_done=found.rows_done,
                rows_total=found.rows_total,
                seconds=found.seconds,
                error=found.error,
            )
            for kind in plan.steps()
            if (found := steps.get((kind.phase, kind.step.name))) is not None
        ),
        error=record.facts.get("error"),
        override=record.facts.get("override"),
    )


def _phase_state(
    phase: PlannedPhase,
    steps: dict[tuple[str, str], history.StepRecord],
    rejects: dict[str, tuple[str, ...]],
) -> PhaseState:
    found = [steps[phase.name, kind.step.name] for kind in phase.steps if (phase.name, kind.step.name) in steps]
    statuses = {record.status for record in found}
    if "failed" in statuses:
        status = "failed"
    elif not found:
        status = "pending"
    elif statuses == {"reverted"}:
        status = "reverted"
    else:
        whole = len(found) == len(phase.steps) and statuses == {"completed"}
        status = "completed" if whole else "running"
    ends = [record.finished_at for record in found if record.finished_at is not None]
    seconds = 0.0
    if ends and status != "reverted":
        seconds = (max(ends) - min(record.started_at for record in found)).total_seconds()
    loads = {kind.step.name for kind in phase.steps if kind.step.kind == "load"}
    return PhaseState(
        phase=phase.name,
        status=status,
        seconds=max(0.0, seconds),
        rows=sum(record.rows_done for record in found if record.step in loads),
        rejects=sum(len(rejects.get(name, ())) for name in loads),
    )


def saved(connection: Connection, plan: Plan, run_id: str, folder: Path) -> Run:
    """The state, which is also written to run.json: a call that was killed behind its last commit did not come to that.

    What goes wrong with the file stops nothing: the database knows the same.
    """
    found = state(connection, plan, run_id)
    with suppress(OSError):
        files.write_json(folder / "run.json", asdict(found))
    return found


@contextmanager
def saved_state(connection: Connection, plan: Plan, run_id: str, folder: Path) -> Iterator[Callable[..., None]]:
    """Give a function that writes run.json, at most once a second unless told `now=True`; write it at the end too.

    What goes wrong with the file, or with reading for it, stops no run: the database knows the same.
    """
    last = 0.0

    def save(*, now: bool = False) -> None:
        nonlocal last
        if not now and time.monotonic() - last < _SAVE_EVERY:
            return
        if connection.closed or connection.info.transaction_status == TransactionStatus.INERROR:
            return
        with suppress(OSError, psycopg.errors.LockNotAvailable), connection.transaction():
            files.write_json(folder / "run.json", asdict(state(connection, plan, run_id)))
            last = time.monotonic()

    save(now=True)
    try:
        yield save
    except BaseException as error:
        with suppress(psycopg.Error):
            save(now=True)
        if connection.closed:
            with suppress(UsageError, OSError):
                said = str(error) or type(error).__name__
                left = load(folder)
                if left.status != "rolled_back":  # by whoever ended this session
                    files.write_json(folder / "run.json", asdict(replace(left, status="stopped", error=said)))
        raise
    save(now=True)
