"""Every finished batch, in migration.batches: noted in its own transaction, asked for when a run goes on (C5)."""

from __future__ import annotations

from dataclasses import dataclass

from crm_migrate.postgres import Connection


@dataclass(frozen=True, slots=True)
class Batch:
    """A finished batch: driving rows with low < key <= high; the first one of a load has no low.

    Attributes:
        rejected: how many of its rows were set aside.
        seconds: from the beginning of its transaction to just before its end.
    """

    phase: str
    step: str
    low: int | None
    high: int
    rows: int
    rejected: int
    seconds: float


def add(connection: Connection, run_id: str, batch: Batch) -> None:
    """Append a batch, in the transaction that moved its rows."""
    connection.execute(
        """
        insert into migration.batches (run_id, phase, step, low, high, rows, rejected, seconds)
        values (%s, %s, %s, %s, %s, %s, %s, %s)
        """,
        [run_id, batch.phase, batch.step, batch.low, batch.high, batch.rows, batch.rejected, batch.seconds],
    )


def last(connection: Connection, run_id: str) -> Batch | None:
    """The batch that was finished last, or None where none was."""
    row = connection.execute(
        """
        select phase, step, low, high, rows, rejected, seconds
        from migration.batches where run_id = %s order by id desc limit 1
        """,
        [run_id],
    ).fetchone()
    return None if row is None else Batch(*row)
