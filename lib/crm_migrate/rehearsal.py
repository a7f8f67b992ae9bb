"""What a rehearsal found out, as a value: times, volumes and locks by step, and whether it held (B3).

`rehearse` makes it; the gate, the estimate and the reports read it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from crm_migrate import files
from crm_migrate.errors import NoSuchRun

FILE = "rehearsal.json"
LOCKS = (  # PostgreSQL's table-level modes, weakest first
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)


@dataclass(frozen=True, slots=True)
class Lock:
    """The strongest lock that a step took on a relation that stood there before it.

    Attributes:
        seconds: the longest transaction that held it: the longest time that somebody else might have waited.
    """

    relation: str
    mode: str
    seconds: float


@dataclass(frozen=True, slots=True)
class StepMeasure:
    """What one step took.

    Attributes:
        wal_bytes: written-ahead log, which replicas and archives have to take as well.
        disk_bytes: how much the database grew.
        rows: source rows, for a load.
        revert_seconds: its way back; None where it was not come to.
    """

    phase: str
    step: str
    seconds: float
    wal_bytes: int
    disk_bytes: int
    rows: int
    locks: tuple[Lock, ...]
    revert_seconds: float | None

    @property
    def strongest(self) -> Lock | None:
        """The lock that others would have met first: the strongest, and of those the one held longest."""
        return max(self.locks, key=lambda lock: (LOCKS.index(lock.mode), lock.seconds), default=None)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The plan forwards, verified, and backwards, on a copy.

    Attributes:
        snapshot_id, sql, inputs: what was rehearsed, as in a decision's fingerprint.
        unit_seconds: how fast the throw-away server was, by `calibration`.
        failed: the step that stopped it, on the way there or back, and why; None where none did.
        differing: rows that are not as predicted after the way there.
        differing_back: rows that are not as they were after the way back.
        left_over: objects that are not as they were after the way back.
        not_copied: what of the source is not in the copy, and why: a customer's own things were not rehearsed with it.
    """

    snapshot_id: str
    sql: str
    inputs: str
    unit_seconds: float
    seconds: float
    revert_seconds: float
    verified: bool
    failed: str | None
    differing: int
    differing_back: int
    left_over: tuple[str, ...]
    not_copied: tuple[str, ...]
    steps: tuple[StepMeasure, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """Why this migration must not run; nothing where it went well there and back."""
        found = []
        if self.failed is not None:
            found.append(self.failed)
        elif not self.verified:
            found.append(f"the verification failed, {self.differing:,} rows differ from the prediction")
        if self.differing_back:
            found.append(f"{self.differing_back:,} rows were not as before after the way back")
        if self.left_over:
            named = ", ".join(self.left_over[:5])
            found.append(f"{len(self.left_over):,} objects were not as before after the way back: {named}")
        return tuple(found)

    def by_phase(self) -> dict[str, tuple[StepMeasure, ...]]:
        """The steps of each phase, in order."""
        names = dict.fromkeys(step.phase for step in self.steps)
        return {name: tuple(step for step in self.steps if step.phase == name) for name in names}


def save(rehearsal: Rehearsal, folder: Path) -> None:
    """Write `rehearsal.json` into a run's folder."""
    files.write_json(folder / FILE, asdict(rehearsal))


def of(folder: Path, snapshot_id: str, *, sql: str, inputs: str) -> Rehearsal | None:
    """The rehearsal of a run, where there was one of this snapshot, SQL and inputs.

    Args:
        sql, inputs: fingerprints.

    Raises:
        DamagedFile: the file is not what this version saves.
    """
    try:
        found = load(folder)
    except NoSuchRun:
        return None
    return found if (found.snapshot_id, found.sql, found.inputs) == (snapshot_id, sql, inputs) else None


def load(folder: Path) -> Rehearsal:
    """Read `rehearsal.json`.

    Raises:
        NoSuchRun: nothing was rehearsed in this run.
        DamagedFile: the file is not what this version saves.
    """
    try:
        return files.read_value(folder / FILE, Rehearsal, hint="Run `crm-migrate dry-run --rehearse` again.")
    except FileNotFoundError:
        raise NoSuchRun(f"run {folder.name} was not rehearsed", hint="Run `crm-migrate dry-run --rehearse`.") from None
