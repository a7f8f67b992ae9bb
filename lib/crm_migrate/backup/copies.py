"""Timestamped copies of tables in schema migration_backup; they stay 90 days, whatever becomes of the run (C2, E3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from psycopg import sql

from crm_migrate.postgres import Connection

SCHEMA = "migration_backup"
_HASHED = frozenset(  # types that the server hashes as they are; json, for one, is hashed as text
    {
        *("smallint", "integer", "bigint", "numeric", "boolean", "text", "character varying", "character", "uuid"),
        *("date", "timestamp with time zone", "timestamp without time zone", "jsonb", "bytea", "double precision"),
    }
)


@dataclass(frozen=True, slots=True)
class Copy:
    """One copied table; `name` is that of the copy in schema migration_backup."""

    name: str
    table: str
    rows: int
    made_at: datetime


def copy_table(connection: Connection, table: str, stamp: str) -> int:
    """Copy all rows of a table of schema public into `migration_backup."<table>_<stamp>"`, for nobody but its owner.

    Runs in the caller's transaction; the copy and its record are there together or not at all.

    Args:
        table: its name without the schema.
        stamp: the UTC time in the copy's name.

    Returns:
        The number of rows copied.
    """
    name, original = f"{table}_{stamp}", sql.Identifier("public", table)
    copy = sql.Identifier(SCHEMA, name)
    connection.execute(sql.SQL("lock table {} in share mode").format(original))  # the window does not stop superusers
    connection.execute(sql.SQL("create table {} as select * from {}").format(copy, original))
    connection.execute("select migration.deny_others(to_regclass(%s))", [copy.as_string(connection)])
    comment = sql.Literal(f"public.{table} as it was at {stamp}")
    connection.execute(sql.SQL("comment on table {} is {}").format(copy, comment))
    rows, digest = fingerprint(connection, "public", table)
    connection.execute(
        "insert into migration.backups (copy_name, table_name, row_count, fingerprint) values (%s, %s, %s, %s)",
        [name, table, rows, digest],
    )
    return rows


def is_whole(connection: Connection, name: str) -> bool:
    """Whether a copy holds exactly the rows that its table had, by their number and fingerprint."""
    row = connection.execute(
        "select row_count, fingerprint from migration.backups where copy_name = %s", [name]
    ).fetchone()
    return row == fingerprint(connection, SCHEMA, name)


def fingerprint(connection: Connection, schema: str, table: str) -> tuple[int, Decimal]:
    """Number of rows, and the sum of their hashes: the same for the same bag of rows in whatever order.

    Computed by the server in one pass; two tables with the same columns can be compared.
    """
    relation = sql.Identifier(schema, table)
    kinds = connection.execute(
        """
        select attname, format_type(atttypid, null) from pg_catalog.pg_attribute
        where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum
        """,
        [relation.as_string(connection)],
    ).fetchall()
    values = sql.SQL(", ").join(
        sql.SQL("{}" if kind.removesuffix("[]") in _HASHED else "{}::text").format(sql.Identifier(column))
        for column, kind in kinds
    )
    row = connection.execute(
        sql.SQL("select count(*), coalesce(sum(hash_record_extended(row({}), 0)), 0) from {}").format(values, relation)
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def copies(connection: Connection) -> tuple[Copy, ...]:
    """The copies that are still there, oldest first; none where no migration ever left its state."""
    row = connection.execute("select to_regclass('migration.backups') is not null").fetchone()
    if not (row and row[0]):
        return ()
    found = connection.execute(
        """
        select copy_name, table_name, row_count, made_at from migration.backups
        where to_regclass(format('migration_backup.%I', copy_name)) is not null
        order by made_at, copy_name
        """
    )
    return tuple(Copy(*entry) for entry in found)
