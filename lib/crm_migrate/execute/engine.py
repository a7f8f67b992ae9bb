"""The engine: every step of the plan that is not done yet, in transactions as large as was asked for (C3, C5).

Resume is the same call again: what is finished is not done twice, a load goes on behind its last committed batch.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from typing import Literal

import psycopg

from crm_migrate import history, postgres
from crm_migrate.catalog import Catalog
from crm_migrate.errors import Paused, StepFailed, Stopped
from crm_migrate.events import Event, Sink
from crm_migrate.plan import Plan, PlannedPhase
from crm_migrate.postgres import Connection
from crm_migrate.settings import Settings
from crm_migrate.steps import Context, Kind

CommitMode = Literal["batch", "phase", "all"]


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
