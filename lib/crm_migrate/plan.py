"""The plan as a value: explain, execute and revert walk the same list (design, idea 2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from crm_migrate.catalog import Catalog, Step
from crm_migrate.errors import CatalogError
from crm_migrate.steps import Kind
from crm_migrate.steps.archive import ArchiveStep
from crm_migrate.steps.backup import BackupStep
from crm_migrate.steps.grants import GrantsStep
from crm_migrate.steps.load import LoadStep
from crm_migrate.steps.policies import PoliciesStep
from crm_migrate.steps.sql import SqlStep


@dataclass(frozen=True, slots=True)
class PlannedPhase:
    """A phase with its steps, ready to be applied or taken back."""

    name: str
    why: str
    steps: tuple[Kind, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All phases in order."""

    phases: tuple[PlannedPhase, ...]

    def steps(self) -> Iterator[Kind]:
        """Every step, forwards."""
        for phase in self.phases:
            yield from phase.steps

    def backwards(self) -> tuple[Kind, ...]:
        """Every step, last one first."""
        return tuple(reversed(tuple(self.steps())))


def build(catalog: Catalog) -> Plan:
    """Bind every step of plan.toml to what it works on; has no side effect.

    Raises:
        CatalogError: a step's kind is unknown, or it does not say what it works on.
    """
    return Plan(
        tuple(
            PlannedPhase(phase.name, phase.why, tuple(_bind(catalog, phase.name, step) for step in phase.steps))
            for phase in catalog.phases
        )
    )


def _bind(catalog: Catalog, phase: str, step: Step) -> Kind:
    if step.kind == "sql":
        return SqlStep(step, phase, catalog.sql_files[phase, step.subject])
    if step.kind == "load":
        return LoadStep(step, phase, catalog.models[step.subject])
    if step.kind == "backup" and step.subject:
        return BackupStep(step, phase)
    if step.kind == "archive" and step.subject:
        return ArchiveStep(step, phase)
    source, arrow, target = step.subject.partition("->")
    if step.kind in ("policies", "grants") and source and arrow and target:
        return (
            PoliciesStep(step, phase, source, target)
            if step.kind == "policies"
            else GrantsStep(step, phase, source, target)
        )
    raise CatalogError(
        catalog.root / "plan.toml",
        1,
        f"step '{step.name}' is not sql:, load:, backup:, archive:, policies:a->b or grants:a->b",
    )
