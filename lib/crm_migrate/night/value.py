"""All that a night needs to know beforehand, and what its decision is bound to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from crm_migrate import gate, schema, snapshot
from crm_migrate.catalog import Catalog, file_hashes
from crm_migrate.errors import Stopped
from crm_migrate.events import Sink
from crm_migrate.gate import Decision, Fingerprint
from crm_migrate.inputs import Inputs
from crm_migrate.plan import Plan
from crm_migrate.settings import Settings
from crm_migrate.snapshot import Snapshot
from crm_migrate.steps import never

FINAL = "final"  # the folder, in the run's, of what was assessed and predicted in the closed window


@dataclass(frozen=True, slots=True)
class Night:
    """All that a night needs to know beforehand.

    Attributes:
        url: libpq URI of the database that is changed.
        folder: the run's folder under reports.
        batch_size: source rows to a transaction, whatever the setting says, which is part of the decision.
        stop: why the run is to stop at once, or None; says nothing before it is watched.
    """

    url: str
    run_id: str
    folder: Path
    catalog: Catalog
    plan: Plan
    inputs: Inputs
    settings: Settings
    batch_size: int
    emit: Sink
    stop: Callable[[], Stopped | None] = never

    @property
    def decision(self) -> Decision:
        """The decision, read anew: behind the first change nobody needs it.

        Raises:
            NoSuchRun: it is gone, or was never taken.
            DamagedFile: it is not what this version saves.
            ChangedByHand: its signature does not fit.
        """
        return gate.load(self.folder)

    @property
    def decided(self) -> Snapshot:
        """The snapshot that the decision was made on, opened anew: behind the first change nobody needs it.

        Raises:
            NoSuchRun: it is gone.
            DamagedFile: it is not what this version saves.
        """
        return snapshot.of_run(self.folder)

    @property
    def scratch(self) -> Path:
        """Where what does not fit into memory goes."""
        return self.settings.workspace / "scratch"


def fingerprint_of(
    catalog: Catalog, given: Inputs, settings: Settings, decided: Snapshot, document: schema.Document
) -> Fingerprint:
    """What a decision is bound to (B5).

    Args:
        document: the schema of the source, as the snapshot has it or as it is now.
    """
    return Fingerprint(
        snapshot=decided.id,
        sql=catalog.fingerprint,
        schema=schema.fingerprint(document),
        inputs=hashlib.sha256(json.dumps(sorted(given.files.items())).encode()).hexdigest(),
        settings=settings.fingerprint(),
        parts={
            "sql": file_hashes(catalog.root),
            "schema": schema.object_hashes(document),
            "inputs": given.files,
            "settings": settings.decided(),
        },
    )
