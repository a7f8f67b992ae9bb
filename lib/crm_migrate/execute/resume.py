"""Before a run goes on: what was finished last is looked at again, for somebody may have meddled meanwhile (C5)."""

from __future__ import annotations

from crm_migrate import checkpoints, history
from crm_migrate.errors import Stopped
from crm_migrate.events import Event
from crm_migrate.plan import Plan
from crm_migrate.steps import Context, Kind
from crm_migrate.steps.load import LoadStep


def require_intact(context: Context, plan: Plan) -> None:
    """Compare the last finished batch with its target row by row, and prove the last finished step of another kind.

    Reads only. Nothing where the run has not finished anything yet.

    Raises:
        Stopped: something is missing, double or changed; says what.
    """
    kinds = {(kind.phase, kind.step.name): kind for kind in plan.steps()}
    batch = checkpoints.last(context.connection, context.run_id)
    if batch is not None:
        load = kinds[batch.phase, batch.step]
        assert isinstance(load, LoadStep)
        found = load.compare(context, batch)
        if found.missing or found.surplus:
            keys = ", ".join(str(key) for key in found.keys)
            above = "" if batch.low is None else f"above {batch.low} "
            raise _meddled(
                context,
                f"the last batch of {batch.step} (keys {above}up to {batch.high}) is not in "
                f"{load.model.target} as it was brought in: {found.missing:,} rows are missing, {found.surplus:,} are "
                f"double or changed, first keys {keys}",
            )
        context.emit(Event("note", batch.step, f"the last batch, {batch.rows:,} source rows, is as it was brought in"))
    last = _last_finished(context, kinds)
    if last is not None:
        problems = last.verify(context)
        if problems:
            said = "; ".join(str(problem) for problem in problems[:5])
            raise _meddled(context, f"the last finished step, {last.step.name} of {last.phase}, does not hold: {said}")


def _last_finished(context: Context, kinds: dict[tuple[str, str], Kind]) -> Kind | None:
    """The step that was completed last, in the order of the plan; a load is judged by its batches."""
    found = history.steps(context.connection, context.run_id)
    done = [
        kind
        for key, kind in kinds.items()
        if kind.step.kind != "load" and key in found and found[key].status == "completed"
    ]
    return done[-1] if done else None


def _meddled(context: Context, what: str) -> Stopped:
    return Stopped(
        f"run {context.run_id} does not go on: {what}",
        hint="Somebody else has written to the database since. Put it right where you know how, and run the same "
        "command again; or take the run back: `crm-migrate rollback --confirm DATABASE`.",
    )
