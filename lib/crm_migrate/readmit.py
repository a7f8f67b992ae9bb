"""Take rejected rows in again, after the source or a rule was mended; they and nothing else (C6).

By now every rule is in place and users may work. An insert meets the rules as any other would, but for what a load's
own row passes on to no other table. An update fills those columns that nobody has filled since, past all triggers, as
its load did; what later loads would have made of the row then, they make now.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from psycopg import sql

from crm_migrate import batches, compatibility, faults, isolate, postgres, rejects
from crm_migrate import history as histories
from crm_migrate.batches import Move
from crm_migrate.catalog import Model
from crm_migrate.events import Event
from crm_migrate.plan import Plan
from crm_migrate.postgres import Connection
from crm_migrate.rejects import Readmitted
from crm_migrate.steps import Context
from crm_migrate.steps.load import LoadStep

_RULES = ("companies_refuse_cycle_on_update",)  # what forbids is asked of an update too
_PASSES_ON = {"public.activities": "activities_found_on_insert"}  # a migrated interaction founds no opportunity
_BEFORE = "readmit_before"


@dataclass(frozen=True, slots=True)
class Readmission:
    """What became of the rejects that were tried again.

    Attributes:
        taken: came in.
        needless: there was nothing to bring in any more: its source is gone, or somebody has entered it since.
        left: still refused, or refused only in this call.
    """

    taken: int
    needless: int
    left: int


def take_in(context: Context, plan: Plan, *, up_to: int) -> Readmission:
    """Try each reject of a run up to number `up_to` again, load by load, in one transaction a load.

    What comes in leaves migration.rejects in the same transaction and is remembered in migration.readmitted; what is
    refused again stays with its new reason.

    Args:
        context: every phase is applied; no transaction is open.
    """
    loads = [
        replace(kind, model=replace(kind.model, sql=compatibility.reading(context.connection, kind.model.sql)))
        for kind in plan.steps()
        if isinstance(kind, LoadStep)
    ]
    taken = needless = 0
    for number, load in enumerate(loads):
        keys = rejects.waiting(context.connection, context.run_id, load.step.name, up_to=up_to)
        if keys:
            found = postgres.retried(
                partial(_load, context, load, loads[number + 1 :], keys),
                tries=context.settings.retries,
                said=lambda message: context.emit(Event("retry", "rejects", message)),
            )
            taken, needless = taken + found.taken, needless + found.needless
    left = sum(len(keys) for keys in histories.rejects(context.connection, context.run_id).values())
    more = f"; {needless:,} need no taking in any more" if needless else ""
    context.emit(Event("note", "rejects", f"{taken:,} rejected rows taken in{more}, {left:,} are still set aside"))
    return Readmission(taken, needless, left)


def _load(context: Context, load: LoadStep, later: Sequence[LoadStep], keys: tuple[int, ...]) -> Readmission:
    """The rejects of one load; those that fail are found by halving."""
    connection, step = context.connection, load.step.name
    taken = needless = 0
    pending = [keys]
    with context.transaction(load.step), _at_rest(connection, load.model):
        connection.execute("set constraints all immediate")
        connection.execute("select set_config('crm.written_for', 'nobody', true)")  # it is no user's work
        move = batches.prepare(connection, load.model)
        followers = _followers(connection, move, later)
        with isolate.staged(connection, move, _of_keys(load.model, keys)) as made:
            while pending:
                part = pending.pop()
                found: list[Readmitted] = []
                error = isolate.attempt(connection, partial(_bring, context, step, made, followers, part, found))
                if error is None:
                    came = {one.key for one in found if one.ids}
                    empty = sum(1 for key in part if str(key) not in came)
                    taken, needless = taken + len(part) - empty, needless + empty
                elif len(part) > 1:
                    pending += [part[len(part) // 2 :], part[: len(part) // 2]]
                else:
                    state, said = error.sqlstate or "", faults.said(error)
                    rejects.still_refused(connection, context.run_id, step, part[0], sqlstate=state, message=said)
    return Readmission(taken, needless, len(keys) - taken - needless)


def _bring(
    context: Context,
    step: str,
    move: Move,
    followers: Sequence[Move],
    keys: tuple[int, ...],
    found: list[Readmitted],
) -> None:
    """Bring some driving rows in, with what later loads make of them, and strike them off; `found` is what came."""
    connection, run_id = context.connection, context.run_id
    before = [_remembered(connection, follower, number) for number, follower in enumerate(followers)]
    write = _insert if move.model.mode == "insert" else _update
    ids: dict[int, list[int]] = {key: [] for key in keys}
    for key, row_id in connection.execute(write(connection, move, _of_keys(move.model, keys))):
        ids[key].append(row_id)
    found += [Readmitted(step, str(key), move.model.target, tuple(made)) for key, made in ids.items()]
    for follower, table in zip(followers, before, strict=True):
        fresh = sql.SQL("(select * from ({}) as model where not exists (select from {} as before where {}))").format(
            sql.SQL(follower.model.sql), table, _same("model", "before", follower.model)
        )
        rows = connection.execute(_insert(connection, follower, fresh)).fetchall()
        connection.execute(sql.SQL("drop table {}").format(table))
        own = follower.model.driver == move.model.target  # else which of the keys made a row, the row does not say
        found += [
            Readmitted(step, str(key if own else keys[0]), follower.model.target, (row_id,)) for key, row_id in rows
        ]
    for one in found:
        rejects.settle(connection, run_id, one)
    for key, made in ids.items():
        said = "taken in" if made else "needs no taking in any more"
        histories.add_event(connection, run_id, "reject", step, f"key {key}: {said}")


def _of_keys(model: Model, keys: Sequence[int]) -> sql.Composed:
    return sql.SQL("(select * from ({}) as model where model.{} = any ({}::bigint[]))").format(
        sql.SQL(model.sql), sql.Identifier(model.key[0]), sql.Literal(list(keys))
    )


def _insert(_connection: Connection, move: Move, made: sql.Composed) -> sql.Composed:
    """INSERT of the rows that are not there yet; returns driving key and id of each."""
    target, key = postgres.table_name(move.model.target), sql.Identifier(move.model.key[0])
    return sql.SQL(
        "insert into {} ({}) select {} from {} as made where not exists (select from {} as there where {}) "
        "returning {}, id"
    ).format(target, _names(move), _cast(move), made, target, _same("made", "there", move.model), key)


def _update(connection: Connection, move: Move, made: sql.Composed) -> sql.Composed:
    """UPDATE of the columns that still hold their default; returns the id of each row twice."""
    defaults = batches.defaults(connection, move.model.target)
    key = sql.Identifier(move.model.key[0])
    values = sql.SQL(", ").join(
        sql.SQL("case when target.{} is not distinct from {} then cast(made.{} as {}) else target.{} end").format(
            name, sql.SQL(defaults[column] or "null"), name, sql.SQL(kind), name
        )
        for column, kind in zip(move.columns, move.types, strict=True)
        for name in [sql.Identifier(column)]
    )
    return sql.SQL(
        "update {} as target set ({}) = row({}) from {} as made "
        "where target.{} = made.{} returning target.{}, target.{}"
    ).format(postgres.table_name(move.model.target), _names(move), values, made, key, key, key, key)


def _names(move: Move) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(column) for column in move.columns)


def _cast(move: Move) -> sql.Composed:
    return sql.SQL(", ").join(
        sql.SQL("cast(made.{} as {})").format(sql.Identifier(column), sql.SQL(kind))
        for column, kind in zip(move.columns, move.types, strict=True)
    )


def _same(left: str, right: str, model: Model) -> sql.Composed:
    """That two rows have the same key; the driving key is never null, and has an index."""
    first, *others = model.key
    parts = [sql.SQL("{} = {}").format(sql.Identifier(left, first), sql.Identifier(right, first))]
    parts += [
        sql.SQL("{} is not distinct from {}").format(sql.Identifier(left, column), sql.Identifier(right, column))
        for column in others
    ]
    return sql.SQL(" and ").join(parts)


def _followers(connection: Connection, move: Move, later: Sequence[LoadStep]) -> list[Move]:
    """The later loads that read what an update fills; what a row would have given them is told by their difference."""
    if move.model.mode == "insert":
        return []
    filled = re.compile(rf"\b({'|'.join(map(re.escape, move.columns))})\b")
    models = [load.model for load in later if load.model.mode == "insert" and filled.search(load.model.sql)]
    return [batches.prepare(connection, model) for model in models]


def _remembered(connection: Connection, move: Move, number: int) -> sql.Identifier:
    table = sql.Identifier("migration", f"{_BEFORE}_{number}")
    keys = sql.SQL(", ").join(sql.Identifier(column) for column in move.model.key)
    connection.execute(
        sql.SQL("create table {} as select {} from ({}) as model").format(table, keys, sql.SQL(move.model.sql))
    )
    return table


@contextmanager
def _at_rest(connection: Connection, model: Model) -> Iterator[None]:
    """The triggers that did not fire when the load ran, or were not there yet, and would leave another end state."""
    found = connection.execute(
        """
        select 'trigger', tgname, tgenabled::text from pg_catalog.pg_trigger
        where tgrelid = to_regclass(%s) and tgname = %s and tgenabled <> 'D'
        """,
        [postgres.table_name(model.target).as_string(connection), _PASSES_ON.get(model.target)],
    ).fetchall()
    with (
        batches.at_rest(connection, model.target, found),
        batches.triggers_at_rest(connection, model, awake=_RULES),
    ):
        yield
