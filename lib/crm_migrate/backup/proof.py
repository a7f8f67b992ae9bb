"""Whether a restore has brought back what was there: objects, privileges, and every row (E2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from psycopg import sql

from crm_migrate import access, schema
from crm_migrate.backup.copies import fingerprint as fingerprint_of
from crm_migrate.backup.dump import Dump
from crm_migrate.errors import Undone
from crm_migrate.events import Event, Sink
from crm_migrate.postgres import Connection


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one table before its first change: their number, and their fingerprint as `copies` takes it."""

    table: str
    rows: int
    fingerprint: Decimal


def of_run(connection: Connection, stamp: str) -> tuple[Rows, ...]:
    """Those of the tables that a run has changed.

    Args:
        stamp: of the run's backup tables.
    """
    found = connection.execute(
        """
        select table_name, row_count, fingerprint from migration.backups
        where copy_name = table_name || '_' || %s and fingerprint is not null
        """,
        [stamp],
    )
    return tuple(Rows(*row) for row in found)


def prove(connection: Connection, dump: Dump, *, taken: Sequence[Rows], rows: Mapping[str, int], emit: Sink) -> None:
    """Compare with what was dumped; what came, went or differs undoes the restore, another wording is said.

    PostgreSQL may word an expression otherwise after it has read it back.

    Args:
        taken: fingerprints of the tables of then, as far as there are some.
        rows: how many each table held then.

    Raises:
        Undone: it is not what was there; the caller's transaction is to be rolled back.
    """
    now = schema.describe(connection)
    different = schema.differences(dump.document, now)
    wrong = [name for name in different if name not in now or name not in dump.document]
    problems = [f"the schema differs in {', '.join(wrong[:5])}"] if wrong else []
    if access.privileges(connection) != dump.privileges:
        problems.append("privileges differ")
    problems += _rows(connection, rows)
    problems += _fingerprints(connection, taken)
    if problems:
        raise Undone(
            f"the restore was undone, since its outcome is not what was dumped: {'; '.join(problems)}",
            hint="Nothing was changed.",
        )
    for name in different:
        emit(Event("warning", "restore", f"{name} is worded otherwise than before; have a look at it"))


def _rows(connection: Connection, expected: Mapping[str, int]) -> Iterator[str]:
    for table, rows in expected.items():
        row = connection.execute(sql.SQL("select count(*) from {}").format(sql.Identifier("public", table))).fetchone()
        if row != (rows,):
            yield f"{table} does not hold the {rows:,} rows that it had"


def _fingerprints(connection: Connection, taken: Sequence[Rows]) -> Iterator[str]:
    for then in taken:
        if fingerprint_of(connection, "public", then.table) != (then.rows, then.fingerprint):
            yield f"the rows of {then.table} are not those that it had"
