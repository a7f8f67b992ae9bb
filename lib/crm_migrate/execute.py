"""The night itself: lock, pre-flight, gate, close, final snapshot, backup, phases, verify, open (design, idea 9).

Resume is the same call again: what is finished is not done twice, a load goes on behind its last committed batch.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import psutil
import psycopg

from crm_migrate import files, history, postgres
from crm_migrate.catalog import Catalog
from crm_migrate.errors import NoSuchRun, Paused, Refused, StepFailed, Stopped
from crm_migrate.events import Event, Sink
from crm_migrate.plan import Plan, PlannedPhase
from crm_migrate.postgres import Connection
from crm_migrate.settings import Settings
from crm_migrate.steps import Context, Kind

CommitMode = Literal["batch", "phase", "all"]
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


def phases(
    connection: Connection,
    plan: Plan,
    *,
    catalog: Catalog,
    settings: Settings,
    record: history.RunRecord,
    commit: CommitMode,
    emit: Sink,
    save: Callable[..., None],
) -> None:
    """Apply every step that is not done yet, in the order of the plan (C3).

    Args:
        connection: in autocommit mode; holds the migration's lock.
        commit: how much is one transaction: a batch, a phase, or all of it with a savepoint a phase.

    Raises:
        StepFailed: a step failed; what was committed before it stays, and is where the next call goes on.
        Paused: somebody asked for it.
    """

    def between() -> None:
        save()
        if history.pause_requested(connection, record.run_id):
            raise Paused("at hand")

    failure: Stopped | None = None
    with ExitStack() as stack:
        if commit == "all":
            stack.enter_context(connection.transaction())
        for phase in plan.phases:
            context = Context(
                connection, catalog, settings, record.run_id, phase.name, record.backup_stamp, emit, between
            )
            try:
                with nullcontext() if commit == "batch" else connection.transaction():
                    _phase(context, phase, save)
            except Stopped as stopped:
                failure = stopped  # with `all`, the phases before this one are committed all the same (C3)
                break
    if failure is not None:
        _note_failure(connection, record.run_id, failure)
        raise failure


def _phase(context: Context, phase: PlannedPhase, save: Callable[..., None]) -> None:
    started = time.monotonic()
    context.emit(Event("phase", phase.name, phase.why))
    for kind in phase.steps:
        _step(context, kind)
        save(now=kind.step.kind == "load")
    context.emit(Event("phase", phase.name, "completed", seconds=time.monotonic() - started))


def _step(context: Context, kind: Kind) -> None:
    found = history.steps(context.connection, context.run_id).get((kind.phase, kind.step.name))
    if found is not None and found.status == "completed":
        return
    if history.pause_requested(context.connection, context.run_id):
        raise Paused(kind.step.name)
    started = time.monotonic()
    try:
        postgres.retried(
            lambda: _apply_and_prove(context, kind),
            tries=context.settings.retries,
            said=lambda message: context.emit(Event("retry", kind.step.name, message)),
        )
    except psycopg.Error as error:
        raise _failed(context, kind, f"{_reason(error)} (SQLSTATE {error.sqlstate})") from error
    context.emit(Event("step", kind.step.name, "done", seconds=time.monotonic() - started))


def _apply_and_prove(context: Context, kind: Kind) -> None:
    """A step counts only with its proof: what is not a load is applied and verified in one transaction."""
    with nullcontext() if kind.step.kind == "load" else context.connection.transaction():
        kind.apply(context)
        problems = kind.verify(context)
        if problems:
            raise _failed(context, kind, "; ".join(str(problem) for problem in problems[:5]))


def _failed(context: Context, kind: Kind, reason: str) -> StepFailed:
    connection = context.connection
    found = None
    if not connection.closed and connection.info.transaction_status != psycopg.pq.TransactionStatus.INERROR:
        found = history.steps(connection, context.run_id).get((kind.phase, kind.step.name))
    return StepFailed(
        kind.phase,
        kind.step.name,
        cursor_key=None if found is None else found.cursor_key,
        rows_done=0 if found is None else found.rows_done,
        reason=reason,
    )


def _reason(error: psycopg.Error) -> str:
    """The server's first line; its details, and what it says of values that do not fit, would quote rows (H3)."""
    if isinstance(error, psycopg.DataError):
        return f"a value does not fit ({type(error).__name__})"
    return (error.diag.message_primary or str(error) or type(error).__name__).splitlines()[0]


def _note_failure(connection: Connection, run_id: str, failure: Stopped) -> None:
    if connection.closed or not isinstance(failure, StepFailed):
        return
    with connection.transaction():
        history.fail(connection, run_id, failure.phase, failure.step, str(failure))
        history.add_event(connection, run_id, "error", failure.step, str(failure))


def require_database(connection: Connection, confirm: str | None) -> None:
    """Compare the name typed back with the database's own (C1).

    Raises:
        Refused: it is another one, or none was given.
    """
    name = connection.info.dbname
    if confirm != name:
        given = "no name was given" if not confirm else f"{confirm!r} was given"
        raise Refused(
            f"confirmation missing: this would change database {name!r}, but {given}",
            hint=f"If {name!r} is the one to be changed, repeat the command with `--confirm {name}`.",
        )


def require_no_other(connection: Connection, run_id: str) -> None:
    """Check that no other run has changed this database, or begun to.

    Raises:
        Refused: one has; says which, and what to do with it.
    """
    for other in history.runs(connection):
        changed = other.stage in ("phases", "verify", "open", "done")
        if other.run_id != run_id and changed and other.status != "rolled_back":
            what = "has migrated this database" if other.status == "completed" else f"is midway ({other.status})"
            raise Refused(
                f"run {other.run_id} {what}",
                hint=f"Go on with it, or take it back: `crm-migrate rollback --run {other.run_id}`.",
            )
