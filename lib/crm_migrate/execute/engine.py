"""The engine: every step of the plan that is not done yet, in transactions as large as was asked for (C3, C5).

Resume is the same call again: what is finished is not done twice, a load goes on behind its last committed batch.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Literal

import psycopg
from psycopg.pq import TransactionStatus

from crm_migrate import history, postgres
from crm_migrate.catalog import Catalog
from crm_migrate.errors import NotCommitted, Paused, StepFailed, Stopped
from crm_migrate.events import Event, Sink
from crm_migrate.execute.causes import cause
from crm_migrate.execute.resume import require_intact
from crm_migrate.plan import Plan, PlannedPhase
from crm_migrate.postgres import Connection
from crm_migrate.settings import Settings
from crm_migrate.steps import Context, Kind, never

CommitMode = Literal["batch", "phase", "all"]
OnFailure = Callable[[Stopped], Literal["keep", "abort"]]  # told of StepFailed and NotCommitted
"""Asked when a step has failed: whether the phases before it stay, or the whole run is taken back."""


def keep(failure: Stopped) -> Literal["keep", "abort"]:
    """What was finished stays; the next call goes on from there."""
    return "keep"


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
    on_failure: OnFailure = keep,
    stop: Callable[[], Stopped | None] = never,
) -> None:
    """Apply every step that is not done yet, in the order of the plan (C3).

    Args:
        connection: in autocommit mode; holds the migration's lock.
        commit: how much is one transaction: a batch, a phase, or all of it with a savepoint a phase.
        on_failure: asked while the transaction of `all` is still open.
        stop: asked between batches and steps, and when a statement fails: why the run is to stop at once, or None.

    Raises:
        StepFailed, NotCommitted: a step failed, or a commit. What was committed before it stays, and is where the next
            call goes on; where `take_back` is set, whoever called is to take that back too.
        Paused: somebody asked for it.
        Stopped: the session was lost, what was finished last is not there any more, or `stop` said so.
    """

    def between() -> None:
        save()
        _stop_if_asked(context, "between two batches")

    context = Context(connection, catalog, settings, record.run_id, "", record.backup_stamp, emit, between, stop=stop)
    require_intact(context, plan)
    failure: Stopped | None = None
    try:
        with _transaction(connection, commit == "all"):
            failure = _first_failure(context, plan, commit, save)
            if failure is not None and (connection.closed or _is_to_be_taken_back(connection, failure, on_failure)):
                raise failure  # rolls back what `all` has done; else the phases before it are committed all the same
    except Stopped as stopped:
        failure = stopped
    except psycopg.Error as error:
        words, hint = cause(error)
        failure = NotCommitted(f"what the run has done could not be committed, and is undone: {words}", hint=hint)
        failure.__cause__ = error
        if not connection.closed:
            _is_to_be_taken_back(connection, failure, on_failure)
    if failure is not None:
        _note_failure(connection, record.run_id, failure)
        raise failure


def _transaction(connection: Connection, wanted: bool) -> AbstractContextManager[object]:
    return connection.transaction() if wanted else nullcontext()


def _first_failure(context: Context, plan: Plan, commit: CommitMode, save: Callable[..., None]) -> Stopped | None:
    for phase in plan.phases:
        try:
            with _transaction(context.connection, commit != "batch"):
                _phase(context, phase, save)
        except Stopped as stopped:
            return stopped
        except psycopg.Error as error:
            words, hint = cause(error)
            if commit == "batch" or context.connection.closed:
                failure = Stopped(f"phase {phase.name} stopped: {words}", hint=hint)
            else:
                failure = NotCommitted(f"phase {phase.name} could not be committed, and is undone: {words}", hint=hint)
            failure.__cause__ = error
            return failure
    return None


def _phase(context: Context, phase: PlannedPhase, save: Callable[..., None]) -> None:
    started = time.monotonic()
    context.emit(Event("phase", phase.name, phase.why))
    for kind in phase.steps:
        _step(context, kind)
        save(now=kind.step.kind == "load")
    context.emit(Event("phase", phase.name, "completed", seconds=time.monotonic() - started))


def _step(context: Context, kind: Kind) -> None:
    """One step, tried again where that may help.

    Within a larger transaction, a second try begins at the step's savepoint, or at the batch's. Going back to it gives
    back the locks that the try took, which is what a deadlock needs; locks of earlier steps stay, so that a session
    that waits for one of those may meet this one again, and the number of tries ends that. A serialisation failure
    would come again in a transaction that keeps its snapshot; these read what is committed, and take a new one.
    """
    started = time.monotonic()
    try:
        done = postgres.retried(
            lambda: _done_before(context, kind),
            tries=context.settings.retries,
            said=lambda message: context.emit(Event("retry", kind.step.name, message)),
        )
        if done:
            return
        _stop_if_asked(context, f"before step {kind.step.name}")
        postgres.retried(
            lambda: _apply_and_prove(context, kind),
            tries=0 if kind.step.kind == "load" else context.settings.retries,  # a load's batches have their own
            said=lambda message: context.emit(Event("retry", kind.step.name, message)),
        )
    except psycopg.Error as error:
        asked = context.stop()
        if asked is not None:
            raise asked from error
        words, hint = cause(error)
        if context.connection.closed:
            raise Stopped(f"step {kind.step.name} of phase {kind.phase} stopped: {words}", hint=hint) from error
        raise _failed(context, kind, words, hint) from error
    context.emit(Event("step", kind.step.name, "done", seconds=time.monotonic() - started))


def _done_before(context: Context, kind: Kind) -> bool:
    with context.transaction(kind.step):
        found = history.steps(context.connection, context.run_id).get((kind.phase, kind.step.name))
    return found is not None and found.status == "completed"


def _stop_if_asked(context: Context, where: str) -> None:
    asked = context.stop()
    if asked is not None:
        raise asked
    if _pause_requested(context):
        raise Paused(where)


def _pause_requested(context: Context) -> bool:
    """A lock that keeps the question from being asked keeps a pause from being asked for too."""
    with suppress(psycopg.errors.LockNotAvailable), context.connection.transaction():
        return history.pause_requested(context.connection, context.run_id)
    return False


def _apply_and_prove(context: Context, kind: Kind) -> None:
    """A step counts only with its proof: what is not a load is applied and verified in one transaction."""
    with nullcontext() if kind.step.kind == "load" else context.transaction(kind.step):
        if kind.step.kind != "load":
            history.start(context.connection, context.run_id, kind.phase, kind.step.name)
        kind.apply(context)
        problems = kind.verify(context)
        if problems:
            hint = next((problem.hint for problem in problems if problem.hint), "")
            raise _failed(context, kind, "; ".join(str(problem) for problem in problems[:5]), hint)


def _failed(context: Context, kind: Kind, reason: str, hint: str = "") -> StepFailed:
    connection = context.connection
    found = None
    if connection.info.transaction_status != TransactionStatus.INERROR:
        found = history.steps(connection, context.run_id).get((kind.phase, kind.step.name))
    return StepFailed(
        kind.phase,
        kind.step.name,
        cursor_key=None if found is None else found.cursor_key,
        rows_done=0 if found is None else found.rows_done,
        reason=reason,
        hint=hint,
    )


def _is_to_be_taken_back(connection: Connection, failure: Stopped, on_failure: OnFailure) -> bool:
    """Ask, for as long as it takes: an open transaction may stand idle meanwhile."""
    if not isinstance(failure, StepFailed | NotCommitted):
        return False
    if connection.info.transaction_status == TransactionStatus.INTRANS:
        postgres.set_limits(connection, {"idle_in_transaction_session_timeout": "0"}, local=True)
    failure.take_back = on_failure(failure) == "abort"
    return failure.take_back


def _note_failure(connection: Connection, run_id: str, failure: Stopped) -> None:
    if connection.closed:
        return
    with connection.transaction():
        if isinstance(failure, StepFailed):
            history.fail(connection, run_id, failure.phase, failure.step, str(failure))
            history.add_event(connection, run_id, "error", failure.step, str(failure))
        elif isinstance(failure, NotCommitted):
            history.add_event(connection, run_id, "error", "commit", str(failure))
