"""Find the rows of a batch that a rule refuses by halving it in savepoints, and set them aside (C6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import psycopg
from psycopg import sql

from crm_migrate import batches, faults, history
from crm_migrate.batches import Move, Window
from crm_migrate.postgres import Connection


def move(
    connection: Connection, plan: Move, window: Window, *, run_id: str, step: str, allowed: int | None = None
) -> int:
    """Bring in the rows of one window; a row that fails is isolated by halving, noted in migration.rejects, left out.

    Runs inside the caller's transaction, in savepoints of its own. What a constraint defers to the transaction's end
    is asked at once, for then it would be too late to set a row aside.

    Args:
        allowed: with more rejects than these the rest of the window is not looked at: the caller is to stop.

    Returns:
        Driving rows that were rejected.

    Raises:
        psycopg.Error: whatever is not the fault of a row.
    """
    connection.execute("set constraints all immediate")
    error = attempt(connection, partial(connection.execute, plan.statement(window)))
    if error is None:
        return 0
    if window.rows <= 1:
        _set_aside(connection, plan, window, error, run_id=run_id, step=step)
        return 1
    rejected = 0
    pending = [*_halves(connection, plan, window)]  # the last is the next: of two rows at odds the lower key comes in
    with staged(connection, plan, plan.rows(window)) as made:
        while pending and (allowed is None or rejected <= allowed):
            part = pending.pop()
            error = attempt(connection, partial(connection.execute, made.statement(part)))
            if error is not None and part.rows > 1:
                pending += _halves(connection, plan, part)
            elif error is not None:
                _set_aside(connection, made, part, error, run_id=run_id, step=step)
                rejected += 1
    return rejected


def _halves(connection: Connection, plan: Move, window: Window) -> tuple[Window, Window]:
    """The upper and the lower half of a window."""
    lower = batches.next_window(connection, plan.model, window.low, window.rows // 2)
    assert lower is not None
    return Window(lower.high, window.high, window.rows - lower.rows), lower


@contextmanager
def staged(connection: Connection, plan: Move, rows: sql.Composed) -> Iterator[Move]:
    """Make rows of a model once, so that going through them again and again costs no more than they are.

    Runs in the caller's transaction, which never shows them to anybody.

    Args:
        rows: a subquery over the model, in parentheses.

    Returns:
        The same move out of what was made; out of the model itself where some row cannot even be made.
    """

    def make() -> None:
        connection.execute(sql.SQL("create unlogged table migration.staged as select * from {} as made").format(rows))
        connection.execute("analyze migration.staged")

    if attempt(connection, make) is not None:
        yield plan
        return
    yield replace(plan, model=replace(plan.model, sql="select * from migration.staged"))
    connection.execute("drop table migration.staged")


def attempt(connection: Connection, work: Callable[[], object]) -> psycopg.Error | None:
    """Do `work` in a savepoint; returns the error where it was the fault of a row, and nothing of it is left then."""
    try:
        with connection.transaction():
            work()
    except psycopg.Error as error:
        if not faults.is_of_a_row(error):
            raise
        return error
    return None


def _set_aside(
    connection: Connection, plan: Move, window: Window, error: psycopg.Error, *, run_id: str, step: str
) -> None:
    """Note one driving row, with what its model makes of it; where even that fails, with its key alone."""
    made = sql.SQL(
        "select case when count(*) = 1 then jsonb_agg(to_jsonb(made)) -> 0 else jsonb_agg(to_jsonb(made)) end "
        "from {} as made"
    ).format(plan.rows(window))
    bare = sql.SQL("select jsonb_build_object({}::text, {})").format(plan.model.driver_key, window.high)

    def note(row: sql.Composed) -> None:
        history.add_reject(
            connection,
            run_id,
            step,
            plan.model.target.removeprefix("public."),
            window.high,
            sqlstate=error.sqlstate or "",
            message=faults.said(error),
            row=row,
        )

    if attempt(connection, partial(note, made)) is not None:
        note(bare)
