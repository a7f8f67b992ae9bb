"""The records that are followed, and those that they refer to, read from the snapshot's files with Polars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import polars as pl

from crm_migrate.snapshot import Snapshot
from crm_migrate.spotcheck import values

Row = Mapping[str, Any]


def scan(before: Snapshot, table: str) -> pl.LazyFrame:
    """A table with dates and moments as numbers since 1970, which are never too large for Polars."""
    frame = pl.scan_parquet(before.path(table))
    return frame.with_columns(
        pl.col(name).to_physical() for name, kind in frame.collect_schema().items() if kind.is_temporal()
    )


def rows(before: Snapshot, table: str, column: str, keys: Iterable[int]) -> list[Row]:
    """The rows of a table whose `column` is one of `keys`, in the form of `values`."""
    wanted = sorted(set(keys))
    if not wanted:
        return []
    kinds = before.table(table).columns
    found = scan(before, table).filter(pl.col(column).is_in(wanted)).collect()
    return [{name: _value(kinds[name], value) for name, value in row.items()} for row in found.iter_rows(named=True)]


def _value(kind: str, value: Any) -> Any:
    if kind.startswith("timestamp"):
        return values.moment(value)
    if kind == "date":
        return values.day(value)
    if kind in ("json", "jsonb"):
        return values.parsed(value)
    if kind in ("json[]", "jsonb[]") and value is not None:
        return [values.parsed(part) for part in value]
    if kind.startswith("numeric") and value is not None and value not in ("NaN", "Infinity", "-Infinity"):
        return Decimal(value)
    return value
