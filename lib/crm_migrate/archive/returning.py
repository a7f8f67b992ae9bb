"""Bring back what an earlier way back archived, row by row; what does not fit any more stays, with its reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from psycopg import sql

from crm_migrate import batches, faults, isolate, postgres
from crm_migrate.archive.relations import BY_NAME, OF_WRITING, RELATIONS, Relation
from crm_migrate.postgres import Connection

_TOUCH = [("trigger", "opportunities_touch_updated_at", "O")]  # updated_at is the old system's too, and stays
_NULLABLE = ("sku",)
_GONE = "the row that was edited is there no more"


@dataclass(frozen=True, slots=True)
class Returned:
    """What became of archived rows: how many came back, and why others stay, or some of their columns."""

    rows: int
    left: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    id: int
    run_id: str
    relation: Relation
    key: int
    operation: str
    written_by: str


@dataclass(slots=True)
class _Outcome:
    key: int | None = None
    reason: str | None = None
    is_back: bool = True


def bring_back(connection: Connection, run_id: str) -> Returned:
    """Write what waits in the archive, in the caller's transaction, as if whoever wrote it wrote it again."""
    waiting = _waiting(connection)
    if not waiting:
        return Returned(0, ())
    connection.execute("set constraints all immediate")
    for relation in RELATIONS:
        if not relation.stays:
            _raise_sequence(connection, relation)
        _find_references(connection, run_id, relation)
    back = 0
    with batches.at_rest(connection, "public.opportunities", _TOUCH):
        went_on = True
        while went_on:  # what one row lacks another may bring
            went_on, left = False, []
            for entry in waiting:
                outcome = _Outcome()
                error = isolate.attempt(connection, partial(_bring, connection, entry, outcome))
                if error is not None:
                    outcome = _Outcome(reason=faults.said(error), is_back=False)
                if outcome.is_back:
                    back, went_on = back + 1, True
                else:
                    left.append(entry)
                _settle(connection, run_id, entry, outcome)
            waiting = left
        connection.execute("select set_config('crm.written_for', '', true)")
    rows = connection.execute(
        """
        select reason, count(*) from migration_archive.rows
        where reason is not null and (returned_at is null or returned_by = %s) group by 1 order by 2 desc, 1
        """,
        [run_id],
    ).fetchall()
    return Returned(back, tuple((reason, count) for reason, count in rows))


def _waiting(connection: Connection) -> list[_Entry]:
    """In the order of the relations; edits and deletes before new rows, which may take their places."""
    rows = connection.execute(
        """
        select archived.id, archived.run_id, archived.relation, archived.key, archived.operation,
            case when coalesce(roles.rolsuper, false) or archived.written_by = current_user then 'archive'
            else archived.written_by end
        from migration_archive.rows as archived
        left join pg_catalog.pg_roles as roles on roles.rolname = archived.written_by
        where archived.returned_at is null and archived.operation <> 'REFERENCE'
        order by array_position(%s, archived.relation), archived.operation = 'INSERT', archived.id
        """,
        [[relation.name for relation in RELATIONS]],
    ).fetchall()
    return [_Entry(row[0], row[1], BY_NAME[row[2]], row[3], row[4], row[5]) for row in rows]


def _raise_sequence(connection: Connection, relation: Relation) -> None:
    """A row that gets a new id must not take one that another is to come back with."""
    name = _table(relation).as_string(connection)
    row = connection.execute("select pg_get_serial_sequence(%s, 'id')", [name]).fetchone()
    assert row is not None
    connection.execute(
        sql.SQL(
            "select setval({name}, highest.id) from (select max(key) as id from migration_archive.rows "
            "where relation = {relation}) as highest where highest.id > (select last_value from {sequence})"
        ).format(name=row[0], relation=relation.name, sequence=sql.SQL(row[0]))
    )


def _find_references(connection: Connection, run_id: str, relation: Relation) -> None:
    if relation.stays or not relation.identity:
        return
    connection.execute(
        sql.SQL(
            """
            update migration_archive.rows as archived
            set returned_by = {run}, returned_at = clock_timestamp(), returned_key = target.id
            from {table} as target
            where archived.relation = {relation} and archived.operation = 'REFERENCE' and archived.returned_at is null
                and jsonb_build_array({there}) = jsonb_build_array({meant})
            """
        ).format(
            run=run_id,
            table=_table(relation),
            relation=relation.name,
            there=sql.SQL(", ").join(sql.Identifier("target", name) for name in relation.identity),
            meant=sql.SQL(", ").join(
                sql.SQL('archived."row" -> {}').format(sql.Literal(name)) for name in relation.identity
            ),
        )
    )


def _bring(connection: Connection, entry: _Entry, outcome: _Outcome) -> None:
    connection.execute("select set_config('crm.written_for', %s, true)", [entry.written_by])
    there = _counterpart(connection, entry)
    if entry.operation == "DELETE":
        if there is not None:
            query = sql.SQL("delete from {} where id = {}").format(_table(entry.relation), there)
            connection.execute(query)
    elif there is not None:
        _merge(connection, entry, there, outcome)
    elif entry.operation == "UPDATE":
        outcome.reason, outcome.is_back = _GONE, False
    else:
        _insert(connection, entry, outcome)


def _counterpart(connection: Connection, entry: _Entry) -> int | None:
    """The row that the migration has made this time, or for a new row one that takes its place; a living one first."""
    relation = entry.relation
    if relation.stays:
        query = sql.SQL("select id from {} where id = {}").format(_table(relation), entry.key)
    elif not relation.identity:
        return None
    else:
        same = [
            sql.SQL(
                "target.{} is not distinct from sought.{}" if name in _NULLABLE else "target.{} = sought.{}"
            ).format(sql.Identifier(name), sql.Identifier(name))
            for name in relation.identity
        ]
        query = sql.SQL(
            """
            select target.id
            from migration_archive.rows as archived
            cross join lateral jsonb_populate_record(
                null::{table}, coalesce(archived.made, archived."row")
            ) as sought
            inner join {table} as target on {same}
            where archived.id = {id}
                and (archived.made is not null or archived.operation = 'DELETE'
                    or (target.deleted_at is null and archived."row" -> 'deleted_at' = 'null'))
            order by target.deleted_at is null desc, target.id
            limit 1
            """
        ).format(table=_table(relation), same=sql.SQL(" and ").join(same), id=entry.id)
    row = connection.execute(query).fetchone()
    return None if row is None else int(row[0])


def _references(connection: Connection, entry: _Entry) -> tuple[dict[str, int], list[str]]:
    """Columns that name a row with its id as it is now, and those whose row did not come back."""
    found: dict[str, int] = {}
    missing: list[str] = []
    for column, meant in entry.relation.references.items():
        row = connection.execute(
            """
            select archived."row" ->> %(column)s, meant.returned_key
            from migration_archive.rows as archived
            left join migration_archive.rows as meant
                on meant.run_id = archived.run_id and meant.relation = %(meant)s
                    and meant.key = (archived."row" ->> %(column)s)::bigint
            where archived.id = %(id)s
            """,
            {"column": column, "meant": meant, "id": entry.id},
        ).fetchone()
        assert row is not None
        if row[1] is not None:
            found[column] = row[1]
        elif row[0] is not None:
            missing.append(column)
    return found, missing


def _merge(connection: Connection, entry: _Entry, there: int, outcome: _Outcome) -> None:
    """Set the columns in which users' row differed, but for one that the old system's users have changed since."""
    references, missing = _references(connection, entry)
    rows = connection.execute(
        sql.SQL(
            """
            select field.key,
                archived.made is not null
                and field.key <> all ({references})
                and to_jsonb(target) -> field.key is distinct from coalesce(archived.made -> field.key, 'null')
                and to_jsonb(target) -> field.key is distinct from field.value
            from migration_archive.rows as archived
            cross join lateral jsonb_each(archived."row") as field
            inner join {table} as target on target.id = {there}
            where archived.id = {id} and field.key <> all ({of_writing}) and field.key <> all ({generated})
                and (archived.made is null
                    or field.value is distinct from coalesce(archived.made -> field.key, 'null'))
            """
        ).format(
            references=list(entry.relation.references),
            table=_table(entry.relation),
            there=there,
            id=entry.id,
            of_writing=list(OF_WRITING),
            generated=_generated(connection, entry.relation),
        )
    ).fetchall()
    contested = [name for name, is_contested in rows if is_contested or name in missing]
    columns = [name for name, _ in rows if name not in contested]
    if columns and not entry.relation.stays:
        columns.append("updated_at")
    if columns:
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        values = sql.SQL(", ").join(sql.Identifier("sought", name) for name in columns)
        connection.execute(
            sql.SQL("update {table} as target set ({names}) = row({values}) {source} and target.id = {there}").format(
                table=_table(entry.relation),
                names=names,
                values=values,
                source=_sought(entry, references),
                there=there,
            )
        )
    outcome.key = there
    if contested:
        outcome.reason = f"not brought back, as what it rested on has changed: {', '.join(sorted(contested))}"


def _insert(connection: Connection, entry: _Entry, outcome: _Outcome) -> None:
    """With its own id where that is free."""
    references, missing = _references(connection, entry)
    if missing:
        outcome.reason, outcome.is_back = f"what it names did not come back: {', '.join(missing)}", False
        return
    taken = connection.execute(
        sql.SQL("select from {} where id = {}").format(_table(entry.relation), entry.key)
    ).fetchone()
    left_out = set(_generated(connection, entry.relation)) | ({"id"} if taken is not None else set())
    columns = [name for name in postgres.columns(connection, f"public.{entry.relation.name}") if name not in left_out]
    row = connection.execute(
        sql.SQL("insert into {} ({}) select {} {} returning id").format(
            _table(entry.relation),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join(sql.Identifier("sought", name) for name in columns),
            _sought(entry, references),
        )
    ).fetchone()
    assert row is not None
    outcome.key = row[0]


def _sought(entry: _Entry, references: dict[str, int]) -> sql.Composed:
    return sql.SQL(
        'from migration_archive.rows as archived cross join lateral jsonb_populate_record(null::{}, archived."row" || '
        "{}::jsonb) as sought where archived.id = {}"
    ).format(_table(entry.relation), json.dumps(references), entry.id)


def _generated(connection: Connection, relation: Relation) -> Sequence[str]:
    rows = connection.execute(
        "select attname from pg_catalog.pg_attribute where attrelid = to_regclass(%s) and attgenerated <> ''",
        [_table(relation).as_string(connection)],
    ).fetchall()
    return [name for (name,) in rows]


def _settle(connection: Connection, run_id: str, entry: _Entry, outcome: _Outcome) -> None:
    connection.execute(
        """
        update migration_archive.rows
        set returned_by = case when %(back)s then %(run)s end,
            returned_at = case when %(back)s then clock_timestamp() end, returned_key = %(key)s, reason = %(reason)s
        where id = %(id)s
        """,
        {
            "back": outcome.is_back,
            "run": run_id,
            "key": outcome.key,
            "reason": outcome.reason,
            "id": entry.id,
        },
    )


def _table(relation: Relation) -> sql.Identifier:
    return sql.Identifier("public", relation.name)
