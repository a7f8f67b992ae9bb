"""The way back, in place: the same plan, backwards, each step taken back and noted (E1)."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import psycopg

from crm_migrate import faults, history, personal, postgres
from crm_migrate.errors import Refused, StepFailed
from crm_migrate.events import Event
from crm_migrate.plan import Plan
from crm_migrate.postgres import Connection
from crm_migrate.steps import Context, Kind

HOURS = 48
"""How long the way back is open after the end of a run (E1); no setting, or anybody could open it again."""

_OR_RESTORE = (
    "Mend the cause, then run the same command again: it goes on. Where that cannot be mended, `crm-migrate rollback "
    "--restore --confirm DATABASE` brings back the dump; what users wrote since is lost then."
)


def hours_since(connection: Connection, run_id: str) -> float | None:
    """Hours since a run came to its end, by the server's clock; None while it has none."""
    row = connection.execute(
        """
        select extract(epoch from clock_timestamp() - finished_at) / 3600 from migration.runs
        where run_id = %s and status = 'completed'
        """,
        [run_id],
    ).fetchone()
    return None if row is None or row[0] is None else float(row[0])


def require_window(connection: Connection, run_id: str, *, override: str | None) -> str | None:
    """Check that the way back is still open, by the server's clock (E1).

    Args:
        override: why it is to be taken all the same, or None.

    Returns:
        What is to be recorded of an override; None where none was needed.

    Raises:
        Refused: more than HOURS have passed since the run ended.
    """
    passed = hours_since(connection, run_id)
    if passed is None or passed <= HOURS:
        return None
    late = f"run {run_id} ended {passed:.1f} hours ago; the way back is open for {HOURS} hours"
    if override is None:
        raise Refused(
            late,
            hint="Users have worked on the new system since; plan a forward correction instead. Where it has to be: "
            '`--override-window --reason "…"`, which is recorded.',
        )
    return f"{late}; overridden: {override}"


def require_reversible(plan: Plan) -> None:
    """Check before the first statement that every step can be taken back.

    Raises:
        Refused: one cannot; says why.
    """
    for kind in plan.steps():
        if kind.irreversible:
            raise Refused(f"step {kind.step.name} cannot be taken back: {kind.irreversible}")


def revert(context: Context, plan: Plan, *, save: Callable[..., None]) -> None:
    """Take back every step that was begun, last one first; a call that was cut off goes on where it stopped.

    Raises:
        StepFailed: a step could not be taken back; those after it are, and are noted as such.
    """
    done = history.steps(context.connection, context.run_id)
    for kind in plan.backwards():
        found = done.get((kind.phase, kind.step.name))
        if found is None or not _did_something(kind, found):
            continue
        started = time.monotonic()
        try:
            postgres.retried(
                partial(_revert, context, kind),
                tries=context.settings.retries,
                said=partial(_say_again, context, kind),
            )
        except psycopg.Error as error:
            words = error.diag.message_primary or type(error).__name__
            if isinstance(error, psycopg.errors.DependentObjectsStillExist):  # its detail names objects, never a row
                words = f"{words}: {'; '.join((error.diag.message_detail or '').splitlines())}"
            reason = faults.said(error) if faults.is_of_a_row(error) else personal.without_addresses(words)
            raise StepFailed(
                kind.phase,
                kind.step.name,
                cursor_key=None,
                rows_done=0,
                reason=f"taking it back failed: {reason}",
                hint=_OR_RESTORE,
            ) from error
        context.emit(Event("step", kind.step.name, "taken back", seconds=time.monotonic() - started))
        save()


def _revert(context: Context, kind: Kind) -> None:
    with context.transaction(kind.step):
        kind.revert(context)


def _say_again(context: Context, kind: Kind, message: str) -> None:
    context.emit(Event("retry", kind.step.name, message))


def _did_something(kind: Kind, found: history.StepRecord) -> bool:
    """A load has a cursor as soon as a batch is committed; any other step is done whole, or not at all."""
    return found.status == "completed" or (
        kind.step.kind == "load" and found.status in ("running", "failed") and found.cursor_key is not None
    )
