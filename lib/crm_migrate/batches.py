"""Move a model's rows in batches: a batch is the next N rows of the driving table by its key (C4, C5, C6).

Keys are sparse in real databases, so a window is found by looking, never by arithmetic on ids (measured.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from crm_migrate import history, postgres
from crm_migrate.catalog import Model
from crm_migrate.postgres import Connection

BEFORE_ALL = -(2**63)  # below every bigint key but the lowest possible one


@dataclass(frozen=True, slots=True)
class Window:
    """Driving rows with low < key <= high."""

    low: int
    high: int
    rows: int


@dataclass(frozen=True, slots=True)
class Move:
    """The statement that brings a model's rows into its target, ready but for its window."""

    model: Model
    columns: tuple[str, ...]
    types: tuple[str, ...]

    def statement(self, window: Window) -> sql.Composed:
        """INSERT or UPDATE of the rows that come of one window.

        The window stands on the model and, for an update, on the target too, so that neither is read as a whole.
        """
        values = sql.SQL(", ").join(
            sql.SQL("cast(made.{} as {})").format(sql.Identifier(column), sql.SQL(kind))
            for column, kind in zip(self.columns, self.types, strict=True)
        )
        names = sql.SQL(", ").join(sql.Identifier(column) for column in self.columns)
        target, key = postgres.table_name(self.model.target), sql.Identifier(self.model.key[0])
        made = self.rows(window)
        if self.model.mode == "insert":
            return sql.SQL("insert into {} ({}) select {} from {} as made").format(target, names, values, made)
        return sql.SQL(
            "update {} as target set ({}) = row({}) from {} as made where target.{} = made.{} and {}"
        ).format(target, names, values, made, key, key, _within("target", self.model.key[0], window))

    def rows(self, window: Window) -> sql.Composed:
        """The model's rows of one window, as a subquery in parentheses."""
        return sql.SQL("(select * from ({}) as model where {})").format(
            sql.SQL(self.model.sql),
            _within("model", self.model.key[0], window),
        )


def _within(relation: str, column: str, window: Window) -> sql.Composed:
    name = sql.Identifier(relation, column)
    return sql.SQL("{} > {} and {} <= {}").format(name, window.low, name, window.high)


def prepare(connection: Connection, model: Model) -> Move:
    """Look up the columns that the model makes and their types in the target.

    The key of an update is not written; an insert writes every column.
    """
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("select * from ({}) as model limit 0").format(sql.SQL(model.sql)))
        made = [column.name for column in cursor.description or ()]
    types = postgres.columns(connection, model.target)
    written = [column for column in made if model.mode == "insert" or column != model.key[0]]
    return Move(model, tuple(written), tuple(types[column] for column in written))


def count(connection: Connection, model: Model) -> int:
    """Rows of the driving table."""
    row = connection.execute(sql.SQL("select count(*) from {}").format(postgres.table_name(model.driver))).fetchone()
    assert row is not None
    return int(row[0])


def next_window(connection: Connection, model: Model, after: int, size: int) -> Window | None:
    """The next `size` driving rows behind key `after`, or None where there are none."""
    key, driver = sql.Identifier(model.driver_key), postgres.table_name(model.driver)
    row = connection.execute(
        sql.SQL(
            "select max(key), count(*) from (select {} as key from {} where {} > {} order by 1 limit {}) as driving"
        ).format(key, driver, key, after, size)
    ).fetchone()
    assert row is not None
    return None if row[0] is None else Window(after, int(row[0]), int(row[1]))


def move(connection: Connection, plan: Move, window: Window, *, run_id: str, step: str) -> int:
    """Bring in the rows of one window; a row that fails is isolated by halving, noted in migration.rejects, left out.

    Runs inside the caller's transaction, in savepoints of its own.

    Returns:
        Driving rows that were rejected.

    Raises:
        psycopg.Error: whatever is not the fault of a row.
    """
    try:
        with connection.transaction():
            connection.execute(plan.statement(window))
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        if window.rows <= 1:
            _reject(connection, plan, window, error, run_id=run_id, step=step)
            return 1
        first = _first_half(connection, plan.model, window)
        second = Window(first.high, window.high, window.rows - first.rows)
        return sum(move(connection, plan, half, run_id=run_id, step=step) for half in (first, second))
    return 0


@contextmanager
def triggers_at_rest(connection: Connection, model: Model) -> Iterator[None]:
    """Keep a customer's own triggers and rules from an update that fills new columns: it changes nothing of theirs.

    A trigger that sets updated_at would change every row, one that names a moved column would fail on it, a rule would
    log it or do something instead. Runs in the caller's transaction, at whose end each is as it was; others may read
    meanwhile, unless there is a rule.
    """
    target = postgres.table_name(model.target)
    found = []
    if model.mode == "update":
        found = connection.execute(
            """
            select 'trigger', tgname, tgenabled::text from pg_catalog.pg_trigger
            where tgrelid = to_regclass(%(target)s) and not tgisinternal and tgenabled <> 'D'
            union all
            select 'rule', rulename, ev_enabled::text from pg_catalog.pg_rewrite
            where ev_class = to_regclass(%(target)s) and ev_enabled <> 'D'
            order by 1, 2
            """,
            {"target": target.as_string(connection)},
        ).fetchall()
    change = sql.SQL("alter table {} {} {} {}")
    for what, name, _enabled in found:
        connection.execute(change.format(target, sql.SQL("disable"), sql.SQL(what), sql.Identifier(name)))
    yield
    for what, name, enabled in found:
        how = sql.SQL({"O": "enable", "R": "enable replica", "A": "enable always"}[enabled])
        connection.execute(change.format(target, how, sql.SQL(what), sql.Identifier(name)))


def _first_half(connection: Connection, model: Model, window: Window) -> Window:
    half = next_window(connection, model, window.low, window.rows // 2)
    assert half is not None
    return half


def _reject(
    connection: Connection, plan: Move, window: Window, error: psycopg.Error, *, run_id: str, step: str
) -> None:
    diagnosis = error.diag
    message = diagnosis.message_primary or type(error).__name__
    if diagnosis.constraint_name:
        message = f"violates {diagnosis.constraint_name}"
    elif diagnosis.column_name:
        message = f"{diagnosis.column_name} must not be null"
    elif isinstance(error, psycopg.DataError):
        message = (
            f"a value does not fit its column ({type(error).__name__})"  # the message itself would quote the value
        )
    made: Any = sql.SQL(
        "select case when count(*) = 1 then jsonb_agg(to_jsonb(made)) -> 0 else jsonb_agg(to_jsonb(made)) end "
        "from {} as made"
    ).format(plan.rows(window))
    history.add_reject(
        connection,
        run_id,
        step,
        plan.model.target.removeprefix("public."),
        window.high,
        sqlstate=error.sqlstate or "",
        message=message,
        row=made,
    )
