"""How far a run is, as run.json tells it: read from the database, written beside the run, read back."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import psycopg

from crm_migrate import files, history
from crm_migrate.errors import NoSuchRun
from crm_migrate.plan import Plan, PlannedPhase
from crm_migrate.postgres import Connection

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
    """How far a run is: running, paused, stopped, completed or rolled_back."""

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


def load(folder: Path) -> Run:
    """Read `run.json`; a run whose process on this machine is gone was stopped, whatever it last wrote.

    Raises:
        NoSuchRun: this run was not executed yet.
    """
    try:
        saved: dict[str, Any] = files.read_json(folder / "run.json")
    except FileNotFoundError:
        raise NoSuchRun(
            f"run {folder.name} was not executed yet", hint="Run `crm-migrate execute --confirm DATABASE` first."
        ) from None
    phases = tuple(PhaseState(**phase) for phase in saved.pop("phases"))
    steps = tuple(StepState(**step) for step in saved.pop("steps"))
    run = Run(**saved, phases=phases, steps=steps)
    gone = run.status == "running" and run.host == socket.gethostname() and not psutil.pid_exists(run.pid)
    return replace(run, status="stopped") if gone else run


def state(connection: Connection, plan: Plan, run_id: str) -> Run:
    """How far a run is, from what the database says of it."""
    record = history.run(connection, run_id)
    if record is None:
        raise NoSuchRun(f"this database knows no run {run_id}", hint="`crm-migrate status` lists what there is.")
    steps, rejects = history.steps(connection, run_id), history.rejects(connection, run_id)
    database = connection.info.dbname
    return Run(
        run_id=run_id,
        database=database,
        status=record.status,
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


@contextmanager
def saved_state(connection: Connection, plan: Plan, run_id: str, folder: Path) -> Iterator[Callable[..., None]]:
    """Give a function that writes run.json, at most once a second unless told `now=True`; write it at the end too."""
    last = 0.0

    def save(*, now: bool = False) -> None:
        nonlocal last
        if not now and time.monotonic() - last < _SAVE_EVERY:
            return
        if connection.closed:
            with suppress(NoSuchRun):
                files.write_json(folder / "run.json", asdict(replace(load(folder), status="stopped")))
        elif connection.info.transaction_status != psycopg.pq.TransactionStatus.INERROR:
            files.write_json(folder / "run.json", asdict(state(connection, plan, run_id)))
            last = time.monotonic()

    save(now=True)
    try:
        yield save
    finally:
        save(now=True)
