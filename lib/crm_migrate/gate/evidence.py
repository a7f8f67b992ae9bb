"""What a decision rests on: the saved stages of a run, read again each time (B4)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crm_migrate import assess, checklist, duck, rehearsal, simulate
from crm_migrate.assess import Assessment
from crm_migrate.catalog import Catalog
from crm_migrate.checklist import Checklist
from crm_migrate.inputs import Inputs
from crm_migrate.rehearsal import Rehearsal
from crm_migrate.simulate import Simulation


@dataclass(frozen=True, slots=True)
class Stages:
    """What the stages of a run have found.

    Attributes:
        rehearsal: of the same snapshot, SQL and inputs, where there was one.
        checklist: where there is one.
    """

    assessment: Assessment
    simulation: Simulation
    rehearsal: Rehearsal | None
    checklist: Checklist | None


def read(folder: Path, snapshot_id: str, catalog: Catalog, given: Inputs, *, inputs_folder: Path | None) -> Stages:
    """Read what a run has saved, every row of it: a decision does not rest on a file that nobody can open.

    Raises:
        NoSuchRun: the run was not assessed, or not simulated.
        DamagedFile: a file is not what this version saves.
        BadInputs: the checklist has wrong entries.
    """
    stages = Stages(
        assess.load(folder),
        simulate.load(folder),
        rehearsal.of(folder, snapshot_id, sql=catalog.fingerprint, inputs=given.fingerprint),
        checklist.load(inputs_folder),
    )
    duck.require_readable({folder / assess.FINDINGS: assess.FINDINGS_COLUMNS}, hint=assess.AGAIN)
    duck.require_readable(simulate.predicted(folder, catalog), hint=simulate.AGAIN)
    return stages
