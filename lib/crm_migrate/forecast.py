"""How long the night will take, by phase: from a rehearsal, else from how fast the server is (B2).

The window gets half as much again. What a phase was forecast to take is kept, to be compared with what it took.
"""

from __future__ import annotations

from collections.abc import Sequence

from crm_migrate.calibration import Calibration
from crm_migrate.catalog import Catalog
from crm_migrate.rehearsal import Rehearsal
from crm_migrate.simulate import Estimate, ModelResult

WINDOW = 1.5  # half as much again for the maintenance window
# Ratios of what one machine measured at one time (40,000 contacts: 600 rows copied, loaded and keyed in a unit of
# calibration, 0.8 units for any other step), rounded to the safe side. Ratios hold elsewhere, seconds would not.
_ROWS_A_UNIT = 500
_UNITS_A_STEP = 1.0
_ROUND_TRIPS_A_STEP = 12


def from_rehearsal(estimate: Estimate, rehearsed: Rehearsal, speed: Calibration | None) -> Estimate:
    """The measured phases, longer where the real server is slower than the throw-away one, never shorter."""
    slower = 1.0 if speed is None else max(1.0, speed.unit_seconds / rehearsed.unit_seconds)
    phases = {name: slower * sum(step.seconds for step in steps) for name, steps in rehearsed.by_phase().items()}
    return _with(estimate, phases, "rehearsal")


def from_calibration(
    estimate: Estimate, catalog: Catalog, models: Sequence[ModelResult], speed: Calibration | None
) -> Estimate:
    """Rows and steps of each phase at the server's speed; no seconds where that was not measured."""
    if speed is None:
        return estimate
    rows = {model.model: model.source_rows for model in models}
    phases: dict[str, float] = {}
    for phase in catalog.phases:
        loaded = sum(rows.get(step.subject, 0) for step in phase.steps if step.kind == "load")
        work = loaded / _ROWS_A_UNIT + _UNITS_A_STEP * len(phase.steps)
        trips = _ROUND_TRIPS_A_STEP * len(phase.steps)
        phases[phase.name] = work * speed.unit_seconds + trips * speed.round_trip_seconds
    return _with(estimate, phases, "calibration")


def _with(estimate: Estimate, phases: dict[str, float], basis: str) -> Estimate:
    return Estimate(
        seconds=round(WINDOW * sum(phases.values()), 1),
        disk_bytes=estimate.disk_bytes,
        memory_bytes=estimate.memory_bytes,
        basis=basis,
        phases={name: round(seconds, 2) for name, seconds in phases.items()},
    )
