"""What happened in the source between two snapshots of it: who added, removed and changed how much (design, idea 9)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crm_migrate import duck, files, schema, snapshot
from crm_migrate.snapshot import Snapshot, TableSnapshot


@dataclass(frozen=True, slots=True)
class TableDrift:
    """How a table differs between two snapshots, in rows told apart by primary key, or by content where there is none.

    Attributes:
        rows_before: all rows of the earlier snapshot, differing or not.
    """

    table: str
    rows_before: int
    rows_after: int
    added: int
    removed: int
    changed: int

    @property
    def moved(self) -> int:
        """Rows that differ in any way."""
        return self.added + self.removed + self.changed


@dataclass(frozen=True, slots=True)
class Drift:
    """What happened between two snapshots.

    Attributes:
        tables: those that differ, no others.
        schema: names of the objects of schema public that came, went or changed.
    """

    tables: tuple[TableDrift, ...]
    schema: tuple[str, ...]


def compare(before: Snapshot, after: Snapshot) -> Drift:
    """Compare two snapshots; tables with equal fingerprints are not opened.

    A column that only one of them has shows in the schema, and a table that only one has as rows added or removed.
    """
    documents = [snapshot.document(taken) for taken in (before, after)]
    earlier, later = ({table.name: table for table in taken.tables} for taken in (before, after))
    found: list[TableDrift] = []
    with (
        snapshot.reading(before),
        snapshot.reading(after),
        files.scratch_folder(after.folder, "drift") as scratch,
        duck.session("", scratch=scratch) as session,
    ):
        for name in [*earlier, *(name for name in later if name not in earlier)]:
            old, new = earlier.get(name), later.get(name)
            if old is None or new is None:
                added, removed = new.rows if new else 0, old.rows if old else 0
                found.append(TableDrift(name, removed, added, added, removed, 0))
            elif old.fingerprint != new.fingerprint:
                row = session.execute(_query(old, new, before.path(name), after.path(name))).fetchone()
                assert row is not None
                if any(row):
                    found.append(TableDrift(name, old.rows, new.rows, *row))
    return Drift(tables=tuple(found), schema=schema.differences(documents[0], documents[1]))


def _query(old: TableSnapshot, new: TableSnapshot, before: Path, after: Path) -> str:
    shared = ", ".join(duck.quoted(column) for column in sorted(old.columns.keys() & new.columns.keys()))
    key = [duck.quoted(column) for column in old.primary_key] or [f"hash({shared})"]
    named = [f"key_{number}" for number in range(len(key))]
    keys = ", ".join(named)
    keyed = ", ".join(f"{part} as {name}" for part, name in zip(key, named, strict=True))

    def side(path: Path) -> str:  # where content is the key, equal rows are one key, and their number counts
        rows = f"select {keyed}, hash({shared}) as content from read_parquet({duck.literal(path)})"
        return f"select {keys}, count(*) as times, min(content) as content from ({rows}) as rows group by {keys}"

    return f"""
        with before as ({side(before)}), after as ({side(after)}), paired as (
            select
                coalesce(after.times, 0) - coalesce(before.times, 0) as more,
                before.times = after.times and before.content <> after.content as differs
            from before full join after using ({keys})
        )
        select
            cast(coalesce(sum(greatest(more, 0)), 0) as bigint),
            cast(coalesce(sum(greatest(-more, 0)), 0) as bigint),
            count(*) filter (where differs)
        from paired
    """
