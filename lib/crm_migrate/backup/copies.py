"""Timestamped copies of tables in schema migration_backup; they stay 90 days, whatever becomes of the run (C2, E3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from crm_migrate.postgres import Connection

SCHEMA = "migration_backup"


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
    name = f"{table}_{stamp}"
    copy = sql.Identifier(SCHEMA, name)
    made = connection.execute(
        sql.SQL("create table {} as select * from {}").format(copy, sql.Identifier("public", table))
    )
    connection.execute("select migration.deny_others(to_regclass(%s))", [copy.as_string(connection)])
    comment = sql.Literal(f"public.{table} as it was at {stamp}")
    connection.execute(sql.SQL("comment on table {} is {}").format(copy, comment))
    connection.execute(
        "insert into migration.backups (copy_name, table_name, row_count) values (%s, %s, %s)",
        [name, table, made.rowcount],
    )
    return made.rowcount


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
