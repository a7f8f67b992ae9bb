"""The way back, in place: the same plan, backwards, each step taken back and noted (E1)."""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg

from crm_migrate import history
from crm_migrate.errors import Refused, StepFailed
from crm_migrate.events import Event
from crm_migrate.plan import Plan
from crm_migrate.postgres import Connection
from crm_migrate.steps import Context


def require_window(connection: Connection, record: history.RunRecord, *, hours: float) -> None:
    """Check that the way back is still open, by the server's clock (E1).

    Raises:
        Refused: more than `hours` have passed since the run ended.
    """
    row = connection.execute(
        "select extract(epoch from clock_timestamp() - finished_at) / 3600 from migration.runs where run_id = %s",
        [record.run_id],
    ).fetchone()
    passed = None if row is None else row[0]
    if record.status == "completed" and passed is not None and passed > hours:
        raise Refused(
            f"run {record.run_id} ended {float(passed):.1f} hours ago; the way back is open for {hours:g} hours",
            hint="Users have worked on the new system since; plan a forward correction instead.",
        )


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
        applied = found is not None and (
            found.status in ("completed", "running") or (found.status == "failed" and kind.step.kind == "load")
        )
        if not applied:
            continue
        started = time.monotonic()
        try:
            kind.revert(context)
        except psycopg.Error as error:
            reason = (error.diag.message_primary or type(error).__name__).splitlines()[0]
            raise StepFailed(
                kind.phase, kind.step.name, cursor_key=None, rows_done=0, reason=f"taking it back failed: {reason}"
            ) from error
        context.emit(Event("step", kind.step.name, "taken back", seconds=time.monotonic() - started))
        save()
