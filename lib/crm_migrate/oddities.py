"""Values that a snapshot holds otherwise than PostgreSQL does: found, and named with table, column and key.

Arrays arrive flat and counted from 1 (measured.md), the last years of timestamptz overflow, DuckDB refuses some JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from crm_migrate import duck
from crm_migrate.postgres import Connection

_DECIMAL = re.compile(r"numeric\((\d+),(\d+)\)$")
_TIMESTAMPS = frozenset({1114, 1184})  # timestamp and timestamptz
FIRST_YEAR_LOST = "294247-01-01"  # in UTC; DuckDB takes a timestamp of it for infinity


@dataclass(frozen=True, slots=True)
class Oddity:
    """A value that the snapshot holds otherwise than PostgreSQL does.

    Attributes:
        key: primary key as text, parts joined by commas; empty where the table has none.
        kind: `dimensions` or `lower_bound` (an array arrives flat, counted from 1), `out_of_range` (a timestamp behind
            294246 arrives as infinity), `not_a_number` (NULL in a typed view), `unreadable_json` (a text in one).
    """

    table: str
    column: str
    key: str
    kind: str


def in_postgres(connection: Connection, table: str, columns: Mapping[str, str], key: tuple[str, ...]) -> list[Oddity]:
    """What changes on the way into a file without a word, found by the server itself in the reader's transaction.

    Args:
        table: in schema public, by its name alone.
        columns: types as PostgreSQL writes them, by column.
        key: columns of the primary key; empty where there is none.
    """
    relation = sql.Identifier("public", table)
    described = connection.execute(sql.SQL("select * from {} limit 0").format(relation)).description or []
    arrays = {
        oid
        for (oid,) in connection.execute(
            "select oid from pg_catalog.pg_type where typcategory = 'A' and oid = any (%s)",
            [[column.type_code for column in described]],
        )
    }
    tests: list[tuple[str, str, str]] = []
    for column in described:
        if column.type_code in arrays:
            tests.append((column.name, "dimensions", "array_ndims({}) > 1"))
            tests.append((column.name, "lower_bound", "array_ndims({0}) = 1 and array_lower({0}, 1) <> 1"))
        elif column.type_code in _TIMESTAMPS:
            tests.append((column.name, "out_of_range", f"isfinite({{0}}) and {{0}} >= '{FIRST_YEAR_LOST} 00:00:00+00'"))
        elif decimal_of(columns[column.name]) is not None:
            tests.append((column.name, "not_a_number", "{} = 'NaN'"))
    if not tests:
        return []
    conditions = [sql.SQL(test).format(sql.Identifier(column)) for column, _kind, test in tests]
    query = sql.SQL(
        "select found.name, {key}, found.kind from {relation} "
        "cross join lateral (values {values}) as found (name, kind, holds) where ({any}) and found.holds order by 1, 2"
    ).format(
        key=sql.SQL(" || ',' || ").join(sql.SQL("{}::text").format(sql.Identifier(part)) for part in key)
        if key
        else sql.SQL("''"),
        relation=relation,
        values=sql.SQL(", ").join(
            sql.SQL("({}, {}, {})").format(column, kind, condition)
            for (column, kind, _test), condition in zip(tests, conditions, strict=True)
        ),
        any=sql.SQL(" or ").join(sql.SQL("({})").format(condition) for condition in conditions),
    )
    return [Oddity(table, column, row_key, kind) for column, row_key, kind in connection.execute(query)]


def in_file(
    session: duck.Session, file: Path, table: str, columns: Mapping[str, str], key: tuple[str, ...]
) -> list[Oddity]:
    """JSON in a Parquet file that DuckDB cannot read, such as a lone surrogate; jsonb holds none of it."""
    named = " || ',' || ".join(f"cast({duck.quoted(part)} as varchar)" for part in key) or "''"
    found: list[Oddity] = []
    for column, kind in columns.items():
        quoted = duck.quoted(column)
        test = {
            "json": f"try_cast({quoted} as json) is null",
            "json[]": f"list_count(try_cast({quoted} as json[])) <> list_count({quoted})",
        }.get(kind)
        if test is not None:
            source = f"read_parquet({duck.literal(file)})"
            session.execute(f"select {named} from {source} where {quoted} is not null and {test} order by all")
            found += [Oddity(table, column, bad, "unreadable_json") for (bad,) in session.fetchall()]
    return found


def decimal_of(kind: str) -> tuple[int, int] | None:
    """Precision and scale of a numeric that DuckDB can hold as DECIMAL, or None: at most 38 digits."""
    found = _DECIMAL.match(kind)
    if found is None or not int(found[2]) <= int(found[1]) <= 38:
        return None
    return int(found[1]), int(found[2])
