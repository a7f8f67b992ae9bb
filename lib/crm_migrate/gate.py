"""Go or no-go: the decision with every reason, and whether a decision still holds (B4, B5).

`decide` and `check` are pure: the same arguments give the same answer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from crm_migrate import files
from crm_migrate.assess import Assessment
from crm_migrate.drift import TableDrift
from crm_migrate.errors import NoSuchRun, Refused, StaleInput, UsageError
from crm_migrate.preflight import Preflight
from crm_migrate.settings import Settings
from crm_migrate.simulate import Simulation

FILE = "decision.json"
Verdict = Literal["GO", "NO_GO"]
_CHANGED = {
    "snapshot": "it was made on another snapshot than this run's",
    "sql": "a file under sql/ has changed",
    "schema": "the schema of the database has changed",
    "inputs": "the input files or the mappings have changed",
    "settings": "a setting has changed",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a migration has to keep to.

    Attributes:
        warning_ratio: NO_GO from this fraction of the records checked on.
        disk_factor: free disk, in multiples of the database.
        decision_hours: how long a decision holds.
        drift_ratio, drift_rows: a table may have changed since by this fraction of its rows, or by so many rows,
            whichever is more.
    """

    warning_ratio: float
    disk_factor: float
    decision_hours: float
    drift_ratio: float
    drift_rows: int


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a decision is bound to; `snapshot` is an id, the rest are hashes."""

    snapshot: str
    sql: str
    schema: str
    inputs: str
    settings: str


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that was weighed: what is, against what may be; numbers hold while `value` is within `limit`."""

    name: str
    limit: float | str
    value: float | str
    ok: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """The record that execution demands.

    Attributes:
        reasons: why not, each a sentence with its figures; empty for GO.
        approved_by: None makes it a draft.
        signature: SHA-256 over all the rest; shows a change by hand, and proves nobody's identity.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    approved_by: str | None
    decided_at: datetime
    expires_at: datetime
    fingerprint: Fingerprint
    criteria: tuple[Criterion, ...]
    signature: str


def limits(settings: Settings) -> Limits:
    """The part of the settings that the gate goes by."""
    return Limits(**{field.name: getattr(settings, field.name) for field in fields(Limits)})


def decide(
    assessment: Assessment,
    simulation: Simulation,
    *,
    preflight: Preflight,
    fingerprint: Fingerprint,
    limits: Limits,
    approved_by: str | None,
    now: datetime,
) -> Decision:
    """Say whether this migration may run, and every reason why not (B4).

    Pure: reads nothing, writes nothing; the same arguments give the same Decision.

    Args:
        limits: thresholds; `warning_ratio` is a fraction of records checked, not a percentage.
        approved_by: who takes the decision, or None while nobody has.

    Raises:
        StaleInput: the two stages, or the fingerprint, were made from different snapshots.
    """
    of = {
        "the assessment": assessment.snapshot.id,
        "the dry run": simulation.snapshot_id,
        "this run": fingerprint.snapshot,
    }
    if len(set(of.values())) > 1:
        raise StaleInput(
            "the stages do not belong together: "
            + ", ".join(f"{what} is of snapshot {which}" for what, which in of.items()),
            hint="Run assess and dry-run again, both on the latest snapshot.",
        )
    needed = int(limits.disk_factor * preflight.database_bytes)
    ratio, late = assessment.warning_ratio, simulation.late_rejects
    weighed: list[tuple[Criterion, str]] = [
        (
            Criterion("rows with a blocker", 0, assessment.blocker_rows, assessment.blocker_rows == 0),
            f"{assessment.blocker_rows:,} rows have a blocker: "
            + "; ".join(
                f"{check.check} {check.failing:,}"
                for check in assessment.checks
                if check.severity == "blocker" and check.failing
            ),
        ),
        (
            Criterion("records with a warning, as a share", limits.warning_ratio, ratio, ratio < limits.warning_ratio),
            f"{assessment.warning_rows:,} of {assessment.records:,} records have a warning: {ratio:.2%}, "
            f"and NO-GO begins at {limits.warning_ratio:.2%}",
        ),
        (
            Criterion("rows that a key of the target would refuse", 0, late, late == 0),
            f"{late:,} predicted rows break a key that is added after the load, when none can be set aside any more",
        ),
        (
            Criterion("objects that cannot be carried over", 0, len(simulation.blockers), not simulation.blockers),
            f"{len(simulation.blockers):,} objects cannot be carried over: "
            + "; ".join(str(notice) for notice in simulation.blockers),
        ),
        (
            Criterion("disk needed, of the free bytes", preflight.free_bytes, needed, needed <= preflight.free_bytes),
            f"{preflight.free_bytes / 1e9:,.1f} GB of disk are free, {needed / 1e9:,.1f} GB are needed "
            f"({limits.disk_factor:g} times the database)",
        ),
        *(
            (Criterion(f"pre-flight: {check.check}", "ok", "ok" if check.ok else check.detail, check.ok),
             f"pre-flight, {check.check}: {check.detail}")
            for check in preflight.checks
            if check.check != "disk"  # weighed above, by the limit given here
        ),
    ]  # fmt: skip
    reasons = tuple(reason for criterion, reason in weighed if not criterion.ok)
    unsigned = Decision(
        verdict="NO_GO" if reasons else "GO",
        reasons=reasons,
        approved_by=(approved_by or "").strip() or None,
        decided_at=now,
        expires_at=now + timedelta(hours=limits.decision_hours),
        fingerprint=fingerprint,
        criteria=tuple(criterion for criterion, _reason in weighed),
        signature="",
    )
    return replace(unsigned, signature=_sign(unsigned))


def check(
    decision: Decision, *, fingerprint: Fingerprint, drift: Sequence[TableDrift], limits: Limits, now: datetime
) -> None:
    """Let execution through, or say everything that stands against it (B5).

    Args:
        fingerprint: of what is there now; `snapshot` is the decided snapshot's, what the data did since is `drift`.
        drift: tables that differ between the decided and the final snapshot; empty where none was taken yet.

    Raises:
        Refused: the decision is no GO, is a draft, is over, or is about something else than is there now.
    """
    against: list[str] = []
    if decision.verdict != "GO":
        against.append("the decision is NO-GO: " + "; ".join(decision.reasons))
    if decision.approved_by is None:
        against.append("the decision is a draft: nobody has approved it")
    if now >= decision.expires_at:
        against.append(f"the decision expired at {decision.expires_at:%Y-%m-%d %H:%M} UTC")
    for part, meaning in _CHANGED.items():
        if getattr(decision.fingerprint, part) != getattr(fingerprint, part):
            against.append(
                f"since the decision, {meaning}" if part != "snapshot" else f"the decision is stale: {meaning}"
            )
    for table in drift:
        allowed = max(limits.drift_rows, limits.drift_ratio * table.rows_before)
        if table.moved > allowed:
            against.append(
                f"since the decision, {table.moved:,} rows of {table.table} were written ({table.added:,} added, "
                f"{table.changed:,} changed, {table.removed:,} removed) where {allowed:,.0f} are allowed"
            )
    if against:
        raise Refused(
            "the gate is closed: " + "; ".join(against),
            hint="Where something changed, assess and dry-run again; then `crm-migrate decide --approved-by NAME`.",
        )


def save(decision: Decision, folder: Path) -> None:
    """Write `decision.json` into a run's folder."""
    files.write_json(folder / FILE, _document(decision))


def load(folder: Path) -> Decision:
    """Read the decision of a run.

    Raises:
        NoSuchRun: nothing was decided yet.
        Refused: the file was changed by hand.
    """
    try:
        document = files.read_json(folder / FILE)
        decision = Decision(
            **document
            | {
                "reasons": tuple(document["reasons"]),
                "decided_at": datetime.fromisoformat(document["decided_at"]),
                "expires_at": datetime.fromisoformat(document["expires_at"]),
                "fingerprint": Fingerprint(**document["fingerprint"]),
                "criteria": tuple(Criterion(**criterion) for criterion in document["criteria"]),
            }
        )
    except FileNotFoundError:
        raise NoSuchRun(
            f"nothing was decided for run {folder.name} yet", hint="Run `crm-migrate decide --approved-by NAME`."
        ) from None
    except (UsageError, KeyError, TypeError, ValueError) as error:
        raise _by_hand(folder) from error
    if _sign(decision) != decision.signature:
        raise _by_hand(folder)
    return decision


def _by_hand(folder: Path) -> Refused:
    return Refused(
        f"{FILE} of run {folder.name} was changed by hand: its signature does not fit",
        hint="A decision is taken, not written: run `crm-migrate decide` again.",
    )


def _document(decision: Decision) -> dict[str, object]:
    times = {"decided_at": decision.decided_at.isoformat(), "expires_at": decision.expires_at.isoformat()}
    return asdict(decision) | times


def _sign(decision: Decision) -> str:
    """SHA-256 over the canonical JSON of everything but the signature."""
    document = _document(decision)
    del document["signature"]
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
