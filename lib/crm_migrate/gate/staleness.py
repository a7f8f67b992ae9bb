"""Whether a decision still holds, and if not, what has changed since: which file, object, setting or table (B5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from crm_migrate.drift import TableDrift
from crm_migrate.errors import Refused
from crm_migrate.gate import criteria
from crm_migrate.gate.decision import Decision, Fingerprint
from crm_migrate.gate.evidence import Stages
from crm_migrate.settings import Criteria

_CHANGED = {
    "sql": "a file under sql/ has changed",
    "schema": "the schema of the database has changed",
    "inputs": "the input files or the mappings have changed",
    "settings": "a setting has changed",
}
_NAMED = 8  # parts in one sentence


def check(
    decision: Decision,
    *,
    fingerprint: Fingerprint,
    drift: Sequence[TableDrift],
    limits: Criteria,
    now: datetime,
    stages: Stages | None = None,
) -> None:
    """Let execution through, or say everything that stands against it (B5).

    Args:
        fingerprint: of what is there now; `snapshot` is the decided snapshot's, what the data did since is `drift`.
        drift: tables that differ between the decided and the final snapshot; empty where none was taken yet.
        stages: what the run has saved by now, a rehearsal that failed since among it; None where it is not asked again.

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
    if decision.fingerprint.snapshot != fingerprint.snapshot:
        against.append("the decision is stale: it was made on another snapshot than this run's")
    for part, meaning in _CHANGED.items():
        if getattr(decision.fingerprint, part) != getattr(fingerprint, part):
            named = _named(part, decision.fingerprint.parts.get(part, {}), fingerprint.parts.get(part, {}))
            against.append(f"since the decision, {meaning}" + (f": {named}" if named else ""))
    for table in drift:
        allowed = max(limits.drift_rows, limits.drift_ratio * table.rows_before)
        if table.moved > allowed:
            against.append(
                f"since the decision, {table.moved:,} rows of {table.table} were written ({table.added:,} added, "
                f"{table.changed:,} changed, {table.removed:,} removed) where {allowed:,.0f} are allowed"
            )
    if stages is not None and decision.verdict == "GO":
        against += [f"since the decision, {reason}" for reason in criteria.against(stages, limits=limits, now=now)]
    if against:
        raise Refused(
            "the gate is closed: " + "; ".join(against),
            hint="Where something changed, assess and dry-run again; then `crm-migrate decide --approved-by NAME`.",
        )


def _named(part: str, before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Which parts came, went or changed; of a setting both values, which are no secret."""
    changed = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    said = []
    for name in changed[:_NAMED]:
        if part == "settings" and name in before and name in now:
            said.append(f"{name} from {before[name]} to {now[name]}")
        elif name not in before:
            said.append(f"{name} is new")
        else:
            said.append(f"{name} is gone" if name not in now else name)
    return ", ".join(said) + (f", and {len(changed) - _NAMED} more" if len(changed) > _NAMED else "")
