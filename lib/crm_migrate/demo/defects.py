"""Dirt: defects of many kinds, planted in rows that are known, in a clean demo before its keys are laid.

All of it is legal for the source: no defect breaks a key, a NOT NULL or a CHECK. Defects of a table stand in rows of
their own, evenly spread, so that each can be found, or missed, by itself.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from crm_migrate.demo.kinds import BEHIND, KINDS, ZEROS, Kind
from crm_migrate.events import Event, Sink
from crm_migrate.postgres import Connection, table_name


@dataclass(frozen=True, slots=True)
class Planted:
    """One kind of defect and the rows that have it.

    Attributes:
        kind: `table.problem`.
        table: schema-qualified.
        keys: ids; a range, so that a million of them take no memory.
        change: the statement that plants it.
    """

    kind: str
    table: str
    keys: range
    change: str


def choose(rows: Mapping[str, int], *, share: float) -> tuple[Planted, ...]:
    """Say which rows get which defect; pure.

    Every table gives `share` of its rows, dealt out evenly over its kinds; where that makes less than one row of a
    kind, and the table is long enough, it is one. A kind that copies another row leaves that row alone, so a share
    near 1 is not reached in full.

    Args:
        rows: by table; ids run from 1 to that number.
        share: 0 to 1; 0 gives nothing.
    """
    if share == 0:
        return ()
    chosen: list[Planted] = []
    for table, kinds in KINDS.items():
        slots = sum(2 if kind.copies else 1 for kind in kinds)
        step = max(slots, round(min(len(kinds) / share, rows[table])))
        gap = step // slots
        slot = 0
        for kind in kinds:
            slot += 1 if kind.copies else 0
            keys = range(1 + slot * gap, rows[table] + 1, step)
            keys = keys[:1] if kind.once else keys
            if keys:
                chosen.append(Planted(f"{_short(table)}.{kind.name}", table, keys, _update(table, kind, keys, gap)))
            slot += 1
    chosen += [Planted(f"{_short(table)}.id_zero", table, range(1), insert) for table, insert in ZEROS.items()]
    chosen += _behind(rows)
    return tuple(chosen)


def _short(table: str) -> str:
    return table.removeprefix("public.")


def _update(table: str, kind: Kind, keys: range, gap: int) -> str:
    quoted = table_name(table).as_string()
    source = f"from {quoted} as original" if kind.copies else ""
    partner = f"and original.id = changed.id - {gap}" if kind.copies else ""
    return f"""
        update {quoted} as changed set {kind.change} {source}
        where changed.id between {keys[0]} and {keys[-1]} and mod(changed.id - {keys[0]}, {keys.step}) = 0 {partner}
    """


def _behind(rows: Mapping[str, int]) -> list[Planted]:
    last = rows[BEHIND]
    first = max(2, last - 4)
    if first > last:
        return []
    quoted = table_name(BEHIND).as_string()
    statement = f"select setval(pg_get_serial_sequence('{quoted}', 'id'), {first - 1})"
    return [Planted(f"{_short(BEHIND)}.sequence_behind", BEHIND, range(first, last + 1), statement)]


def added(chosen: Iterable[Planted], table: str) -> int:
    """How many rows of `table` are there only because of the dirt."""
    return sum(len(defect.keys) for defect in chosen if defect.table == table and defect.kind.endswith(".id_zero"))


def plant(connection: Connection, chosen: Sequence[Planted], *, emit: Sink) -> None:
    """Change and add the rows; in the order given, for notes lean on deals."""
    started = time.monotonic()
    total, done = sum(len(defect.keys) for defect in chosen), 0
    for defect in chosen:
        if not _is_sequence(defect):
            connection.execute(defect.change.encode())
        done += len(defect.keys)
        seconds = time.monotonic() - started
        said = f"dirt {defect.kind}: {len(defect.keys):,} rows"
        emit(Event("progress", "demo dirt", said, rows_done=done, rows_total=total, seconds=seconds))


def hold_back_sequences(connection: Connection, chosen: Sequence[Planted]) -> None:
    """Put the sequence back that lags behind its table; after the sequences were advanced."""
    for defect in chosen:
        if _is_sequence(defect):
            connection.execute(defect.change.encode())


def _is_sequence(defect: Planted) -> bool:
    return defect.kind.endswith(".sequence_behind")


def write(path: Path, chosen: Iterable[Planted]) -> None:
    """Write `{kind: {"table": …, "keys": […]}}` as JSON; the same choice gives the same bytes.

    A sequence that lags behind stands there with the ids that it will offer although they are taken.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        file.write("{")
        for number, defect in enumerate(chosen):
            file.write(",\n" if number else "\n")
            file.write(f'  {json.dumps(defect.kind)}: {{"table": {json.dumps(defect.table)}, "keys": [')
            for position, key in enumerate(defect.keys):
                file.write(f"{', ' if position else ''}{key}")
            file.write("]}")
        file.write("\n}\n")
