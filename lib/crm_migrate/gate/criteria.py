"""The criteria of the gate: each weighs one value against one limit, which a setting holds (B4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

from crm_migrate.assess import Assessment
from crm_migrate.checklist import Checklist
from crm_migrate.gate.evidence import Stages
from crm_migrate.preflight import Preflight
from crm_migrate.rehearsal import Rehearsal
from crm_migrate.settings import Criteria, Settings
from crm_migrate.simulate import Simulation

_WEIGHED_HERE = ("disk", "server disk")  # by the limit that this decision is made with


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a decision rests on.

    Attributes:
        rehearsal: of the same snapshot, SQL and inputs, where there was one.
        checklist: where there is one.
        reject_rows, reject_ratio: how many rejects the night puts up with in one load, and as a share of its rows (C6).
    """

    assessment: Assessment
    simulation: Simulation
    preflight: Preflight
    rehearsal: Rehearsal | None = None
    checklist: Checklist | None = None
    reject_rows: int = Settings.model_fields["reject_rows"].default
    reject_ratio: float = Settings.model_fields["reject_ratio"].default


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that was weighed: what is, against what may be; numbers hold while `value` is within `limit`.

    Attributes:
        setting: the setting that holds the limit; empty where it is not a matter of choice.
    """

    name: str
    limit: int | float | str
    value: int | float | str
    ok: bool
    setting: str = ""


Weighed = tuple[Criterion, str]  # and the reason why not, for where it does not hold


def weigh(evidence: Evidence, *, limits: Criteria, now: datetime) -> tuple[Weighed, ...]:
    """Every criterion with its limit and its value, whether it holds or not."""
    return (
        *_of_the_data(evidence.assessment, evidence.simulation, limits),
        *of_the_loads(evidence.simulation, evidence.reject_rows, evidence.reject_ratio),
        _age(evidence.assessment, limits, now),
        *_of_the_disks(evidence.preflight, limits),
        *_of_the_rehearsal(evidence.rehearsal, limits),
        *_of_the_checklist(evidence.checklist, limits, now),
        *_of_the_surroundings(evidence.preflight),
    )


def against(stages: Stages, *, limits: Criteria, now: datetime) -> tuple[str, ...]:
    """Why the stages alone, as they are saved now, say no; a decision that was taken before does not hold then.

    How old the snapshot is, and what the surroundings are like, is not asked: a decision has its own end, and execution
    looks at the surroundings itself.
    """
    weighed = (
        *_of_the_data(stages.assessment, stages.simulation, limits),
        *_of_the_rehearsal(stages.rehearsal, limits),
        *_of_the_checklist(stages.checklist, limits, now),
    )
    return tuple(reason for criterion, reason in weighed if not criterion.ok)


def _of_the_data(assessment: Assessment, simulation: Simulation, limits: Criteria) -> Iterator[Weighed]:
    blocked = "; ".join(
        f"{check.check} {check.failing:,}"
        for check in assessment.checks
        if check.severity == "blocker" and check.failing
    )
    yield _at_most(
        "rows with a blocker", "blocker_rows", limits, assessment.blocker_rows,
        f"{assessment.blocker_rows:,} rows have a blocker: {blocked}",
    )  # fmt: skip
    ratio, limit = assessment.warning_ratio, limits.warning_ratio
    yield (
        Criterion("records with a warning, as a share", limit, ratio, ratio < limit, "criteria.warning_ratio"),
        f"{assessment.warning_rows:,} of {assessment.records:,} records have a warning: {ratio:.2%}, "
        f"and NO-GO begins at {limit:.2%}",
    )
    late, lost = simulation.late_rejects, simulation.blockers
    yield _at_most(
        "rows that a key of the target would refuse", "late_rejects", limits, late,
        f"{late:,} predicted rows break a key that is added after the load, when none can be set aside any more",
    )  # fmt: skip
    yield _at_most(
        "objects that cannot be carried over", "lost_objects", limits, len(lost),
        f"{len(lost):,} objects cannot be carried over: " + "; ".join(str(notice) for notice in lost),
    )  # fmt: skip


def of_the_loads(simulation: Simulation, reject_rows: int, reject_ratio: float) -> Iterator[Weighed]:
    """A load that is foretold to stop at its rejects would stop midway, with the window closed (C6)."""
    for model in simulation.models:
        if model.rejects:
            by_ratio = int(max(1, model.source_rows) * reject_ratio)  # as `steps/load.py` counts
            setting, limit = min(("reject_ratio", by_ratio), ("reject_rows", reject_rows), key=itemgetter(1))
            yield (
                Criterion(f"rejects of load:{model.model}", limit, model.rejects, model.rejects <= limit, setting),
                f"load:{model.model} would stop midway: {model.rejects:,} of {model.source_rows:,} rows are rejected, "
                f"and {setting} allows {limit:,}",
            )


def _at_most(name: str, setting: str, limits: Criteria, value: int, reason: str) -> Weighed:
    limit: int = getattr(limits, setting)
    return Criterion(name, limit, value, value <= limit, f"criteria.{setting}"), reason


def _age(assessment: Assessment, limits: Criteria, now: datetime) -> Weighed:
    hours = round((now - datetime.fromisoformat(assessment.snapshot.taken_at)).total_seconds() / 3600, 2)
    limit = limits.snapshot_hours
    return (
        Criterion("age of the snapshot, in hours", limit, hours, hours <= limit, "criteria.snapshot_hours"),
        f"the snapshot is {hours:,.1f} hours old, and {limit:g} are allowed",
    )


def _of_the_disks(preflight: Preflight, limits: Criteria) -> Iterator[Weighed]:
    needed = int(limits.disk_factor * preflight.database_bytes)
    for where, free in (("", preflight.free_bytes), (" on the server", preflight.server_free_bytes)):
        if free is not None:
            yield (
                Criterion(
                    f"disk needed{where}, of the free bytes", free, needed, needed <= free, "criteria.disk_factor"
                ),
                f"{free / 1e9:,.1f} GB of disk are free{where}, {needed / 1e9:,.1f} GB are needed "
                f"({limits.disk_factor:g} times the database)",
            )


def _of_the_rehearsal(rehearsal: Rehearsal | None, limits: Criteria) -> Iterator[Weighed]:
    limit, setting = "verified, and back again", "criteria.rehearsal"
    if rehearsal is not None:
        problems = "; ".join(rehearsal.problems)
        yield Criterion("rehearsal", limit, problems or limit, not problems, setting), f"the rehearsal: {problems}"
    elif limits.rehearsal:
        reason = "there was no rehearsal with this snapshot, these SQL files and these inputs"
        yield Criterion("rehearsal", limit, "none", False, setting), reason


def _of_the_checklist(checklist: Checklist | None, limits: Criteria, now: datetime) -> Iterator[Weighed]:
    limit, setting = "complete", "criteria.checklist"
    if checklist is not None:
        open_ = checklist.open(now)
        value = f"{len(open_)} open" if open_ else limit
        yield Criterion("checklist", limit, value, not open_, setting), "the checklist: " + "; ".join(open_)
    elif limits.checklist:
        reason = "there is no checklist.toml in the folder of inputs"
        yield Criterion("checklist", limit, "none", False, setting), reason


def _of_the_surroundings(preflight: Preflight) -> Iterator[Weighed]:
    for check in preflight.checks:
        if check.check not in _WEIGHED_HERE:
            value = "ok" if check.ok and not check.warning else check.detail
            yield (
                Criterion(f"pre-flight: {check.check}", "ok", value, check.ok),
                f"pre-flight, {check.check}: {check.detail}",
            )
