"""What a run set aside: the rows that a load could not bring in, and those of them that came in after all (C6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm_migrate import personal, postgres
from crm_migrate.postgres import Connection


@dataclass(frozen=True, slots=True)
class Reject:
    """A driving row that was set aside.

    Attributes:
        table: the target, without its schema.
        key: of the driving row.
        message: what is wrong with it, without its values.
        row: what its model makes of it: a row, or a list where it makes none or several.
    """

    step: str
    table: str
    key: str
    sqlstate: str
    message: str
    at: datetime
    row: Any


@dataclass(frozen=True, slots=True)
class Readmitted:
    """Rows of one relation that came of a reject when it was taken in; none where it needed none any more.

    Attributes:
        relation: schema-qualified.
    """

    step: str
    key: str
    relation: str
    ids: tuple[int, ...]


def listed(connection: Connection, run_id: str, *, show_personal_data: bool = False) -> tuple[Reject, ...]:
    """All rejects of a run, in the order in which they were set aside.

    Args:
        show_personal_data: whether rows show names, addresses and texts as they are.
    """
    rows = connection.execute(
        """
        select step, "table", key, sqlstate, message, at, "row"
        from migration.rejects where run_id = %s order by id
        """,
        [run_id],
    ).fetchall()
    found = tuple(Reject(*row) for row in rows)
    if show_personal_data:
        return found
    kinds = {table: postgres.columns(connection, f"public.{table}") for table in {reject.table for reject in found}}
    return tuple(
        Reject(
            reject.step,
            reject.table,
            reject.key,
            reject.sqlstate,
            reject.message,
            reject.at,
            _veiled(reject.row, reject.table, kinds[reject.table]),
        )
        for reject in found
    )


def _veiled(row: Any, table: str, kinds: Mapping[str, str]) -> Any:
    if isinstance(row, list):
        return [_veiled(part, table, kinds) for part in row]
    return {name: personal.veiled(table, name, kinds.get(name, ""), value) for name, value in row.items()}


def last(connection: Connection, run_id: str) -> int:
    """The number of a run's latest reject; 0 where it has none."""
    row = connection.execute(
        "select coalesce(max(id), 0) from migration.rejects where run_id = %s", [run_id]
    ).fetchone()
    return 0 if row is None else int(row[0])


def waiting(connection: Connection, run_id: str, step: str, *, up_to: int) -> tuple[int, ...]:
    """Keys that a step set aside, up to reject number `up_to`, lowest first."""
    rows = connection.execute(
        "select key::bigint from migration.rejects where run_id = %s and step = %s and id <= %s order by 1",
        [run_id, step, up_to],
    )
    return tuple(key for (key,) in rows)


def still_refused(connection: Connection, run_id: str, step: str, key: int, *, sqlstate: str, message: str) -> None:
    """Note why a row that was tried again fails now."""
    connection.execute(
        """
        update migration.rejects set sqlstate = %s, message = %s, at = clock_timestamp()
        where run_id = %s and step = %s and key = %s
        """,
        [sqlstate, message, run_id, step, str(key)],
    )


def settle(connection: Connection, run_id: str, found: Readmitted) -> None:
    """Strike a reject off, and remember what came of it."""
    connection.execute(
        "insert into migration.readmitted (run_id, step, key, relation, ids) values (%s, %s, %s, %s, %s)",
        [run_id, found.step, found.key, found.relation, list(found.ids)],
    )
    connection.execute(
        "delete from migration.rejects where run_id = %s and step = %s and key = %s", [run_id, found.step, found.key]
    )


def readmitted(connection: Connection, run_id: str) -> tuple[Readmitted, ...]:
    """What came of a run's rejects that were taken in later, oldest first."""
    rows = connection.execute(
        "select step, key, relation, ids from migration.readmitted where run_id = %s order by id", [run_id]
    ).fetchall()
    return tuple(Readmitted(step, key, relation, tuple(ids)) for step, key, relation, ids in rows)
