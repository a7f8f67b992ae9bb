"""What lies between two snapshots: rows by table, objects of the schema, and checks that got better or worse.

It looks at what is saved of two runs; no database is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from crm_migrate import assess, drift, runs, snapshot
from crm_migrate.assess import Assessment
from crm_migrate.drift import TableDrift
from crm_migrate.errors import MigrationError, NoSuchRun
from crm_migrate.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: a snapshot, and the run that it belongs to, if one still names it."""

    run: str | None
    snapshot: str
    taken_at: str


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """An object of the schema that came, went or changed."""

    object: str
    change: Literal["new", "gone", "changed"]


@dataclass(frozen=True, slots=True)
class CheckChange:
    """A check whose failing rows are more or fewer; None where the check was not asked on that side."""

    check: str
    severity: str
    before: int | None
    after: int | None
    change: Literal["better", "worse"]


@dataclass(frozen=True, slots=True)
class Diff:
    """What lies between two snapshots.

    Attributes:
        tables: those that differ, no others.
        checks: those with another number of failing rows, blockers first; None where one side was not assessed.
    """

    before: Side
    after: Side
    tables: tuple[TableDrift, ...]
    schema: tuple[SchemaChange, ...]
    checks: tuple[CheckChange, ...] | None


@dataclass(frozen=True, slots=True)
class _Found:
    side: Side
    snapshot: Snapshot
    assessment: Assessment | None


def between(before: str | None, after: str | None, *, reports: Path, workspace: Path) -> Diff:
    """Compare two runs or snapshots, told by their ids.

    Args:
        before: None for the two latest runs with a snapshot.
        after: None for the latest other run with a snapshot.

    Raises:
        NoSuchRun: there are not two of them, or one has no snapshot any more; says which.
    """
    first, second = _named(before, after, reports)
    earlier, later = _found(first, reports, workspace), _found(second, reports, workspace)
    moved = drift.compare(earlier.snapshot, later.snapshot)
    objects = [snapshot.document(found.snapshot) for found in (earlier, later)]
    return Diff(
        before=earlier.side,
        after=later.side,
        tables=moved.tables,
        schema=tuple(
            SchemaChange(name, "new" if name not in objects[0] else "gone" if name not in objects[1] else "changed")
            for name in moved.schema
        ),
        checks=None
        if earlier.assessment is None or later.assessment is None
        else tuple(_checks(earlier.assessment, later.assessment)),
    )


def _named(before: str | None, after: str | None, reports: Path) -> tuple[str, str]:
    if before is not None and after is not None:
        return before, after
    others = [folder.name for folder in runs.listed(reports) if (folder / snapshot.REFERENCE).is_file()]
    if before is None:
        if len(others) < 2:
            raise NoSuchRun(
                f"there are not two runs with a snapshot in {reports}",
                hint="Take another one with `crm-migrate snapshot`.",
            )
        return others[-2], others[-1]
    latest = [name for name in others if name != before]
    if not latest:
        raise NoSuchRun(
            f"there is no other run than {before} with a snapshot", hint="Take one with `crm-migrate snapshot`."
        )
    return before, latest[-1]


def _found(name: str, reports: Path, workspace: Path) -> _Found:
    for folder in runs.listed(reports):
        if folder.name == name:
            return _of(snapshot.of_run(folder), folder)
    for manifest in sorted((workspace / "snapshots").glob(f"*/{snapshot.MANIFEST}")):
        taken = _readable(manifest.parent)
        if taken is not None and taken.id == name:
            named = [folder for folder in runs.listed(reports) if _names(folder, name)]
            return _of(taken, named[-1] if named else None)
    known = ", ".join(folder.name for folder in runs.listed(reports)[-3:]) or "none"
    raise NoSuchRun(f"{name!r} is neither a run nor a snapshot", hint=f"The last runs are: {known}.")


def _of(taken: Snapshot, folder: Path | None) -> _Found:
    side = Side(None if folder is None else folder.name, taken.id, taken.taken_at.isoformat())
    try:
        assessment = None if folder is None else assess.load(folder)
    except NoSuchRun:
        assessment = None
    return _Found(side, taken, assessment)


def _readable(folder: Path) -> Snapshot | None:
    """A snapshot that lies about; one that is damaged is not what was asked for."""
    try:
        return snapshot.load(folder)
    except MigrationError:
        return None


def _names(folder: Path, snapshot_id: str) -> bool:
    try:
        return snapshot.reference(folder).id == snapshot_id
    except MigrationError:
        return False


def _checks(before: Assessment, after: Assessment) -> Iterator[CheckChange]:
    old, new = ({check.check: check for check in assessed.checks} for assessed in (before, after))
    order = ("blocker", "warning", "info")
    for name in sorted(
        old.keys() | new.keys(), key=lambda name: (order.index((new.get(name) or old[name]).severity), name)
    ):
        earlier = old[name].failing if name in old else None
        later = new[name].failing if name in new else None
        if (earlier or 0) != (later or 0):
            change: Literal["better", "worse"] = "worse" if (later or 0) > (earlier or 0) else "better"
            yield CheckChange(name, (new.get(name) or old[name]).severity, earlier, later, change)
