"""The decision: taken from the evidence, signed over itself, saved and read back (B4, B5)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from crm_migrate import files
from crm_migrate.errors import ChangedByHand, NoSuchRun, StaleInput
from crm_migrate.gate.criteria import Criterion, Evidence, weigh
from crm_migrate.settings import Criteria

FILE = "decision.json"
_AGAIN = "Run `crm-migrate decide --approved-by NAME` again."
Verdict = Literal["GO", "NO_GO"]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a decision is bound to; `snapshot` is an id, the next four are hashes.

    Attributes:
        parts: of what each hash is made, so that a refusal can say which part is another one now: by `sql`, `schema`,
            `inputs` and `settings`, the hash of each file or object, and the value of each setting.
    """

    snapshot: str
    sql: str
    schema: str
    inputs: str
    settings: str
    parts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """The record that execution demands.

    Attributes:
        reasons: why not, each a sentence with its figures; empty for GO.
        approved_by: None makes it a draft.
        comment: why whoever took it did so, in their own words; may be empty.
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
    comment: str = ""


def decide(
    evidence: Evidence,
    *,
    fingerprint: Fingerprint,
    limits: Criteria,
    approved_by: str | None,
    now: datetime,
    comment: str = "",
) -> Decision:
    """Say whether this migration may run, and every reason why not (B4).

    Pure: reads nothing, writes nothing; the same arguments give the same Decision.

    Args:
        limits: thresholds; `warning_ratio` is a fraction of records checked, not a percentage.
        approved_by: who takes the decision, or None while nobody has.

    Raises:
        StaleInput: the stages, or the fingerprint, were made from different snapshots.
    """
    of = {
        "the assessment": evidence.assessment.snapshot.id,
        "the dry run": evidence.simulation.snapshot_id,
        "this run": fingerprint.snapshot,
    }
    if len(set(of.values())) > 1:
        raise StaleInput(
            "the stages do not belong together: "
            + ", ".join(f"{what} is of snapshot {which}" for what, which in of.items()),
            hint="Run assess and dry-run again, both on the latest snapshot.",
        )
    weighed = weigh(evidence, limits=limits, now=now)
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
        comment=comment,
    )
    return replace(unsigned, signature=_sign(_document(unsigned)))


def save(decision: Decision, folder: Path) -> None:
    """Write `decision.json` into a run's folder."""
    files.write_json(folder / FILE, _document(decision))


def load(folder: Path) -> Decision:
    """Read the decision of a run.

    Raises:
        NoSuchRun: nothing was decided yet.
        DamagedFile: it is not what this version saves.
        ChangedByHand: its signature does not fit.
    """
    path = folder / FILE
    try:
        document = files.read_value(path, dict[str, Any], hint=_AGAIN)
    except FileNotFoundError:
        raise NoSuchRun(
            f"nothing was decided for run {folder.name} yet", hint="Run `crm-migrate decide --approved-by NAME`."
        ) from None
    if _sign(document) != document.get("signature"):
        raise ChangedByHand(
            f"{FILE} of run {folder.name} was changed by hand: its signature does not fit",
            hint="A decision is taken, not written: run `crm-migrate decide` again.",
        )
    return files.read_value(path, Decision, hint=_AGAIN)


def _document(decision: Decision) -> dict[str, object]:
    times = {"decided_at": decision.decided_at.isoformat(), "expires_at": decision.expires_at.isoformat()}
    return asdict(decision) | times


def _sign(document: Mapping[str, object]) -> str:
    """SHA-256 over the canonical JSON of everything but the signature."""
    signed = {name: part for name, part in document.items() if name != "signature"}
    text = json.dumps(signed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
