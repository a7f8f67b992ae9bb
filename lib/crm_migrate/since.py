"""What users wrote since the migration, as the change log tells it: apart from what went wrong (D3).

A row that the owner of the database or a superuser wrote is none of theirs, nor is one that the log knows nothing of.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from crm_migrate import maintenance, postgres
from crm_migrate.postgres import Connection

_BY_USERS = sql.SQL(
    "changes.written_by not in (select roles.rolname from pg_catalog.pg_roles as roles where roles.rolsuper "
    "or roles.oid = (select relowner from pg_catalog.pg_class where oid = 'migration.changes'::regclass))"
)
_BROUGHT_BACK = sql.SQL(
    "changes.last_at <= (select max(returned_at) from migration_archive.rows where returned_by = {run_id})"
)


@dataclass(frozen=True, slots=True)
class Log:
    """The change log, as far as what it notes is users' work.

    Attributes:
        run_id: the run since whose end it is asked.
        theirs: condition over `changes`. While the window is closed nobody but the migration itself can write for
            users: what came back from the archive is theirs then, and nothing else.
    """

    connection: Connection
    run_id: str
    theirs: sql.Composable


@dataclass(frozen=True, slots=True)
class Written:
    """Rows of one relation that users wrote since.

    Attributes:
        ids: all of them, also those that are gone.
        identities: by what they are told apart, now or as the migration made them, one tuple of texts a row; a NULL
            stays None.
    """

    ids: tuple[int, ...] = ()
    identities: tuple[tuple[str | None, ...], ...] = ()


def log(connection: Connection, run_id: str) -> Log | None:
    """The change log of a database that a run has migrated; None where it keeps none."""
    row = connection.execute(
        "select to_regclass('migration.changes') is not null, to_regclass('migration_archive.rows') is not null"
    ).fetchone()
    assert row is not None
    is_noted, has_archive = row
    if not is_noted:
        return None
    if not maintenance.is_closed(connection):
        return Log(connection, run_id, _BY_USERS)
    if not has_archive:
        return None
    return Log(connection, run_id, sql.SQL("{} and {}").format(_BY_USERS, _BROUGHT_BACK.format(run_id=run_id)))


def written(log: Log, relation: str, identity: Sequence[str]) -> Written:
    """The rows of a relation that users wrote.

    Args:
        relation: schema-qualified.
        identity: columns by which a row of it is told apart.
    """
    table = relation.removeprefix("public.")
    listed = sql.SQL(", ").join(
        sql.SQL("coalesce(to_jsonb(living) ->> {0}, changes.identity ->> {0})").format(sql.Literal(name))
        for name in identity
    )
    query = sql.SQL(
        "select changes.key, array[{}]::text[] from migration.changes as changes "
        "left join {} as living on living.id = changes.key where changes.relation = {} and {} order by 1"
    ).format(listed, sql.Identifier("public", table), sql.Literal(table), log.theirs)
    rows = log.connection.execute(query).fetchall()
    return Written(tuple(row[0] for row in rows), tuple(dict.fromkeys(tuple(row[1]) for row in rows)))


def touched(log: Log, relation: str, where: Mapping[str, object]) -> bool:
    """Whether users wrote or deleted a row that has these values in these columns."""
    if not postgres.columns(log.connection, relation):
        return False  # the relation itself is lost
    table = relation.removeprefix("public.")
    conditions = sql.SQL(" and ").join(
        sql.SQL("living.{} is not distinct from {}").format(sql.Identifier(name), sql.Literal(value))
        for name, value in where.items()
    )
    query = sql.SQL(
        "select exists (select from migration.changes as changes where changes.relation = {relation} and {theirs} and ("
        "changes.identity @> {where}::jsonb or changes.key = {key} "
        "or changes.key in (select living.id from {table} as living where {conditions})))"
    ).format(
        relation=sql.Literal(table),
        theirs=log.theirs,
        where=sql.Literal(json.dumps(dict(where), default=str)),
        key=sql.Literal(where.get("id")),
        table=sql.Identifier("public", table),
        conditions=conditions,
    )
    row = log.connection.execute(query).fetchone()
    return bool(row and row[0])
