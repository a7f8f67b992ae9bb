"""All that a night needs to know beforehand, and what its decision is bound to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from crm_migrate import schema
from crm_migrate.catalog import Catalog, file_hashes
from crm_migrate.errors import NoSuchRun, Stopped
from crm_migrate.events import Sink
from crm_migrate.gate import Fingerprint
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
        snapshot: the one that the decision was made on, where it is still there; the way back does not need it.
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
    snapshot: Snapshot | None
    batch_size: int
    emit: Sink
    stop: Callable[[], Stopped | None] = never

    @property
    def decided(self) -> Snapshot:
        """The snapshot that the decision was made on.

        Raises:
            NoSuchRun: it is gone.
        """
        if self.snapshot is None:
            raise NoSuchRun(
                f"the snapshot of run {self.run_id} is gone", hint="Begin anew with `crm-migrate snapshot`."
            )
        return self.snapshot

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
