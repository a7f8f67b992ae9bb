"""A run as its folder holds it: the saved JSON, whatever is there so far (design, contract 'Files')."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from crm_migrate import assess, duck, personal, settings
from crm_migrate.assess import Assessment
from crm_migrate.dictionary import Dictionary
from crm_migrate.execute import Run
from crm_migrate.files import read_value
from crm_migrate.gate import Decision
from crm_migrate.profile import Profile
from crm_migrate.rehearsal import Rehearsal
from crm_migrate.simulate import Simulation
from crm_migrate.usage import Usage
from crm_migrate.verify import Verification

Facts = Mapping[str, Any]

_ORDER = ("blocker", "warning", "info")
_KINDS: Mapping[str, tuple[type[Any], str]] = {  # what each file holds, and the command that makes it anew
    "assessment": (Assessment, "assess"),
    "profile": (Profile, "assess"),
    "simulation": (Simulation, "dry-run"),
    "rehearsal": (Rehearsal, "dry-run --rehearse"),
    "decision": (Decision, "decide --approved-by NAME"),
    "run": (Run, "execute --confirm DATABASE"),
    "verification": (Verification, "verify"),
    "dictionary": (Dictionary, "dictionary"),
    "usage": (Usage, "observe"),
}
STAGES = tuple(_KINDS)


@dataclass(frozen=True, slots=True)
class Saved:
    """What a run's folder holds.

    Attributes:
        folder: `reports/<run_id>`; its name is the run's id.
        stages: the JSON document of each stage that has been saved, by the file's stem.
    """

    folder: Path
    stages: Mapping[str, Facts]

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.folder.name

    def stage(self, name: str) -> Facts:
        """The document of a stage; empty where it has not been saved."""
        return self.stages.get(name, {})

    def events(self) -> Iterator[Facts]:
        """What happened in the execution, in order; a line that a crash cut short is left out."""
        yield from _lines(self.folder / "events.jsonl")

    def resources(self) -> Iterator[Facts]:
        """What the runner took, look by look; a line that a crash cut short is left out."""
        yield from _lines(self.folder / "resources.jsonl")

    def findings(
        self, *, of_each: int = 25, most: int = 1_000, show_personal_data: bool = False
    ) -> tuple[list[Facts], int]:
        """Failing rows, blockers first and some of each check; and how many there are in all.

        Args:
            show_personal_data: whether e-mail addresses and phone numbers are shown as they are.
        """
        path = self.folder / "findings.parquet"
        if not path.is_file():
            return [], 0
        with duck.reading({path: assess.FINDINGS_COLUMNS}, hint=assess.AGAIN):
            rows = pl.scan_parquet(path)
            total = int(rows.select(pl.len()).collect().item())
            some = rows.group_by("check", maintain_order=True).head(of_each).collect().to_dicts()
        some.sort(key=lambda row: (_ORDER.index(row["severity"]), row["check"]))
        return [shown_detail(row, show_personal_data=show_personal_data) for row in some[:most]], total


def shown_detail(row: Facts, *, show_personal_data: bool) -> Facts:
    """A failing row as it may be shown: with what its detail quotes masked, unless personal data is to be seen."""
    return row if show_personal_data else {**row, "detail": personal.without_addresses(row["detail"] or "")}


def load(folder: Path) -> Saved:
    """Read the documents of a run's folder; a stage without a file is left out.

    Raises:
        DamagedFile: a file is no JSON, or no JSON of a stage.
    """
    found = {}
    for name in STAGES:
        path = folder / f"{name}.json"
        if path.is_file():
            _kind, command = _KINDS[name]
            found[name] = read_value(path, dict[str, Any], hint=f"Run `crm-migrate {command}` again.")
    return Saved(folder=folder, stages=found)


def _lines(path: Path) -> Iterator[Facts]:
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as file:  # a full disk may end a line within a letter
        for line in file:
            with suppress(ValueError):
                yield json.loads(line)


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Blame a damaged file of a run for what fails meanwhile, in place of the page that met it.

    Raises:
        DamagedFile: a page could not be made, and a stage's file is not what this version saves.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError):
        for name, (kind, command) in _KINDS.items():
            if (folder / f"{name}.json").is_file():
                read_value(folder / f"{name}.json", kind, hint=f"Run `crm-migrate {command}` again.")
        raise


def items(value: Any) -> Sequence[Facts]:
    """A list of documents, empty where the part is absent."""
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []


def moment(text: object) -> datetime | None:
    """A timestamp, as it is or as it was saved, or None where there is none."""
    if isinstance(text, datetime):
        return text
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None


def warning_limit(decision: Facts | None = None) -> float:
    """From which share of records with a warning on it is NO-GO (B4): as decided, or else as set."""
    for criterion in items((decision or {}).get("criteria")):
        if "warning" in criterion["name"]:
            return float(criterion["limit"])
    return settings.load().criteria.warning_ratio
