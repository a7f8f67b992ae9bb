"""The migration as a competent developer would write it down in one file: the way that execute is compared with.

One transaction: types, columns and tables with all their keys, references and indexes; then one statement a model;
then rules, policies, grants, functions and views. No copies, no batches, no checkpoints, nothing set aside. The
statements are those of `sql/`, so that both ways end in the same state as long as there is one; only their order and
their size differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from psycopg import sql

from crm_migrate import batches, catalog, events, history, inputs, plan, postgres
from crm_migrate.catalog import Model
from crm_migrate.settings import Settings
from crm_migrate.steps import Context, Kind
from crm_migrate.steps.load import LoadStep

KEYS = ("sql:40_keys", "sql:30_keys")
RUN = "straightforward"


def prepare(settings: Settings, url: str) -> None:
    """Bring in what both ways find before their first change: schema migration with the mappings and the inputs."""
    known = catalog.load()
    options = {"link_deal_contacts": settings.link_deal_contacts}
    given = inputs.load(known.root / "mappings", settings.inputs, options=options)
    with postgres.connect(url) as connection:
        history.prepare(connection, known)
        history.begin(connection, RUN)
        inputs.store(connection, given)


def migrate(settings: Settings, url: str, *, clock: Callable[[], float]) -> dict[str, float]:
    """Migrate the database that was prepared; returns the seconds of each step, the last of them the commit."""
    known = catalog.load()
    seconds: dict[str, float] = {}
    with postgres.connect(url) as connection:
        context = Context(connection, known, settings, RUN, "", "", events.silent, lambda: None)
        for kind in in_order(plan.build(known)):
            began = clock()
            if isinstance(kind, LoadStep):
                connection.execute(whole(connection, kind.model))
            else:
                kind.apply(context)
            seconds[f"{kind.phase} {kind.step.name}"] = clock() - began
        began = clock()
        connection.commit()
        seconds["commit"] = clock() - began
    return seconds


def in_order(planned: plan.Plan) -> Iterator[Kind]:
    """All steps but the copies: tables and columns, then keys and indexes, then rows, then the rest."""
    steps = [kind for kind in planned.steps() if kind.step.kind != "backup"]
    first_load = next(place for place, kind in enumerate(steps) if isinstance(kind, LoadStep))
    tables = steps[:first_load] + [kind for kind in steps if kind.step.name == "sql:10_tables"]
    keys = [kind for kind in steps if kind.step.name in KEYS]
    loads = [kind for kind in steps if isinstance(kind, LoadStep)]
    yield from tables
    yield from keys
    yield from loads
    yield from (kind for kind in steps if kind not in (*tables, *keys, *loads))


def whole(connection: postgres.Connection, model: Model) -> sql.Composed:
    """One INSERT or UPDATE for all rows of a model."""
    move = batches.prepare(connection, model)
    target, key = postgres.table_name(model.target), sql.Identifier(model.key[0])
    names = sql.SQL(", ").join(sql.Identifier(column) for column in move.columns)
    values = sql.SQL(", ").join(
        sql.SQL("cast(made.{} as {})").format(sql.Identifier(column), sql.SQL(kind))
        for column, kind in zip(move.columns, move.types, strict=True)
    )
    parts = {"target": target, "names": names, "values": values, "model": sql.SQL(model.sql), "key": key}
    if model.mode == "insert":
        return sql.SQL("insert into {target} ({names}) select {values} from ({model}) as made").format(**parts)
    return sql.SQL(
        "update {target} as target set ({names}) = row({values}) from ({model}) as made where target.{key} = made.{key}"
    ).format(**parts)
