"""What is there: rows of a relation as the server itself writes them, in the form of `values`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import sql

from crm_migrate import postgres
from crm_migrate.postgres import Connection
from crm_migrate.spotcheck import values


def rows(
    connection: Connection, relation: str, where: Mapping[str, int | str], columns: tuple[str, ...]
) -> list[dict[str, Any]]:
    """The living rows of a relation where these columns have these values; one softly deleted is not there.

    Args:
        relation: schema-qualified. Where it, or one of its columns, is lost there is no row.
        columns: those to read.
    """
    kinds = postgres.columns(connection, relation)
    if not {*columns, *where} <= kinds.keys():
        return []
    conditions = [sql.SQL("{} = {}").format(sql.Identifier(column), value) for column, value in where.items()]
    if "deleted_at" in kinds:
        conditions.append(sql.SQL("deleted_at is null").format())
    query = sql.SQL("select {} from {} where {}").format(
        sql.SQL(", ").join(_read(column, kinds[column]) for column in columns),
        postgres.table_name(relation),
        sql.SQL(" and ").join(conditions),
    )
    return [
        {column: _value(kinds[column], text) for column, text in zip(columns, row, strict=True)}
        for row in connection.execute(query)
    ]


def _read(column: str, kind: str) -> sql.Composed:
    name = sql.Identifier(column)
    if kind.startswith("timestamp"):
        template = (
            "case when isfinite({0}) then extract(epoch from {0}) * 1000000 "
            "when {0} > 'epoch' then 9223372036854775807 when {0} < 'epoch' then -9223372036854775807 end"
        )
    elif kind == "date":
        template = (
            "case when isfinite({0}) then ({0} - date '1970-01-01')::bigint "
            "when {0} > date 'epoch' then 9223372036854775807 when {0} < date 'epoch' then -9223372036854775807 end"
        )
    elif kind.endswith("[]"):  # a snapshot holds an array flat
        template = "case when {0} is not null then to_json(array(select unnest({0})))::text end"
    else:
        template = "to_json({0})::text"
    return sql.SQL(template).format(name)


def _value(kind: str, read: Any) -> Any:
    if kind.startswith("timestamp"):
        return values.moment(None if read is None else int(read))
    if kind == "date":
        return values.day(read)
    return values.parsed(read)
