"""Move a model's rows in batches: a batch is the next N rows of the driving table by its key (C4, C5, C6).

Keys are sparse in real databases, so a window is found by looking, never by arithmetic on ids (measured.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg import sql

from crm_migrate import postgres
from crm_migrate.catalog import Model
from crm_migrate.postgres import Connection

SMALLEST = 100  # rows; a smaller batch costs more in round trips than its locks are worth
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Window:
    """Driving rows with low < key <= high; from the first one on where low is None."""

    low: int | None
    high: int
    rows: int


@dataclass(frozen=True, slots=True)
class Differences:
    """Where a target differs from what a window's driving rows make.

    Attributes:
        missing: rows that are made and not there.
        surplus: rows that are there twice, or with other values than are made.
        keys: lowest driving keys of either.
    """

    missing: int
    surplus: int
    keys: tuple[int, ...]


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

    def analysis(self) -> sql.Composed:
        """ANALYZE of the columns that are written; the others of a wide table are known, and cost most."""
        columns = sql.SQL(", ").join(sql.Identifier(column) for column in self.columns)
        return sql.SQL("analyze {} ({})").format(postgres.table_name(self.model.target), columns)

    def rows(self, window: Window) -> sql.Composed:
        """The model's rows of one window, as a subquery in parentheses."""
        return sql.SQL("(select * from ({}) as model where {})").format(
            sql.SQL(self.model.sql),
            _within("model", self.model.key[0], window),
        )


def _within(relation: str, column: str, window: Window) -> sql.Composed:
    name = sql.Identifier(relation, column)
    behind = sql.SQL("") if window.low is None else sql.SQL("{} > {} and ").format(name, window.low)
    return sql.SQL("{}{} <= {}").format(behind, name, window.high)


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


def defaults(connection: Connection, relation: str) -> dict[str, str | None]:
    """The default of each column as PostgreSQL writes it, or None where it has none."""
    rows = connection.execute(
        """
        select attributes.attname, pg_get_expr(defaults.adbin, defaults.adrelid)
        from pg_catalog.pg_attribute as attributes
        left join pg_catalog.pg_attrdef as defaults
            on defaults.adrelid = attributes.attrelid and defaults.adnum = attributes.attnum
        where attributes.attrelid = to_regclass(%s) and attributes.attnum > 0 and not attributes.attisdropped
        """,
        [postgres.table_name(relation).as_string(connection)],
    )
    return dict(rows.fetchall())


def next_window(connection: Connection, model: Model, after: int | None, size: int) -> Window | None:
    """The next `size` driving rows behind key `after`, the first ones where that is None; None where there are none."""
    key, driver = sql.Identifier(model.driver_key), postgres.table_name(model.driver)
    behind = sql.SQL("") if after is None else sql.SQL("where {} > {}").format(key, after)
    row = connection.execute(
        sql.SQL("select max(key), count(*) from (select {} as key from {} {} order by 1 limit {}) as driving").format(
            key, driver, behind, size
        )
    ).fetchone()
    assert row is not None
    return None if row[0] is None else Window(after, int(row[0]), int(row[1]))


def next_size(size: int, seconds: float, *, limit: float, largest: int) -> int:
    """How many driving rows the next batch gets, after one of `size` rows held its locks for `seconds`.

    Half of it where that was longer than `limit`, never under SMALLEST; twice as much, up to `largest`, where it was
    under a quarter of `limit`: what slowed a batch down may be over.
    """
    if seconds > limit:
        return max(min(SMALLEST, largest), size // 2)
    return min(largest, size * 2) if seconds < limit / 4 else size


def differences(connection: Connection, plan: Move, window: Window, *, rejected: Sequence[int]) -> Differences:
    """Compare the target with what a window makes, as bags of rows: each of them is there, and exactly once.

    Rows of other models in the same target are told apart by the model's key.

    Args:
        rejected: driving keys that were set aside.
    """
    model = plan.model
    types = postgres.columns(connection, model.target)
    columns = [*model.key, *(column for column in plan.columns if column not in model.key)]
    first, *others = (sql.Identifier(column) for column in model.key)
    same = sql.SQL(" and ").join(
        [
            sql.SQL("made.{} = target.{}").format(first, first),
            *(sql.SQL("made.{} is not distinct from target.{}").format(other, other) for other in others),
        ]
    )
    row = connection.execute(
        sql.SQL(
            """
            with made as materialized (
                select {values} from {rows} as made where made.{first} <> all ({rejected})
            ), found as materialized (
                select {columns} from {target} as target
                where {within} and exists (select from made where {same})
            ), missing as (
                select {columns} from made except all select {columns} from found
            ), surplus as (
                select {columns} from found except all select {columns} from made
            )
            select (select count(*) from missing), (select count(*) from surplus),
                array(select {first} from missing union select {first} from surplus order by 1 limit {named})
            """
        ).format(
            values=sql.SQL(", ").join(
                sql.SQL("cast(made.{} as {}) as {}").format(
                    sql.Identifier(column), sql.SQL(types[column]), sql.Identifier(column)
                )
                for column in columns
            ),
            rows=plan.rows(window),
            first=first,
            rejected=sql.Literal(list(rejected)) + sql.SQL("::bigint[]"),
            columns=sql.SQL(", ").join(sql.Identifier(column) for column in columns),
            target=postgres.table_name(model.target),
            within=_within("target", model.key[0], window),
            same=same,
            named=sql.Literal(_NAMED),
        )
    ).fetchone()
    assert row is not None
    missing, surplus, keys = row
    return Differences(missing, surplus, tuple(keys))


@contextmanager
def triggers_at_rest(connection: Connection, model: Model, *, awake: Sequence[str] = ()) -> Iterator[None]:
    """Keep a customer's own triggers and rules from an update that fills new columns: it changes nothing of theirs.

    A trigger that sets updated_at would change every row, one that names a moved column would fail on it, a rule would
    log it or do something instead. Runs in the caller's transaction, at whose end each is as it was; others may read
    meanwhile, unless there is a rule.

    Args:
        awake: triggers that are to fire all the same.
    """
    found = []
    if model.mode == "update":
        found = connection.execute(
            """
            select 'trigger', tgname, tgenabled::text from pg_catalog.pg_trigger
            where tgrelid = to_regclass(%(target)s) and not tgisinternal and tgenabled <> 'D'
                and tgname <> all (%(awake)s)
            union all
            select 'rule', rulename, ev_enabled::text from pg_catalog.pg_rewrite
            where ev_class = to_regclass(%(target)s) and ev_enabled <> 'D'
            order by 1, 2
            """,
            {"target": postgres.table_name(model.target).as_string(connection), "awake": list(awake)},
        ).fetchall()
    with at_rest(connection, model.target, found):
        yield


@contextmanager
def at_rest(connection: Connection, relation: str, found: Sequence[tuple[str, str, str]]) -> Iterator[None]:
    """Disable triggers and rules of a relation for as long as this lasts, in the caller's transaction.

    Args:
        found: each of them: trigger or rule, its name, how it is enabled, as pg_trigger and pg_rewrite write it.
    """
    target, change = postgres.table_name(relation), sql.SQL("alter table {} {} {} {}")
    for what, name, _enabled in found:
        connection.execute(change.format(target, sql.SQL("disable"), sql.SQL(what), sql.Identifier(name)))
    yield
    for what, name, enabled in found:
        how = sql.SQL({"O": "enable", "R": "enable replica", "A": "enable always"}[enabled])
        connection.execute(change.format(target, how, sql.SQL(what), sql.Identifier(name)))
