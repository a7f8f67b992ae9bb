"""A run as its folder holds it: the saved JSON, whatever is there so far (design, contract 'Files')."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from crm_migrate import personal, settings
from crm_migrate.files import read_json

Facts = Mapping[str, Any]

_ORDER = ("blocker", "warning", "info")
STAGES = ("assessment", "profile", "simulation", "rehearsal", "decision", "plan", "run", "verification", "dictionary")


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
        path = self.folder / "events.jsonl"
        if not path.is_file():
            return
        with path.open(encoding="utf-8") as file:
            for line in file:
                with suppress(ValueError):
                    yield json.loads(line)

    def findings(self, *, of_each: int = 25, most: int = 1_000) -> tuple[list[Facts], int]:
        """Failing rows, blockers first and some of each check, without any address; and how many there are in all."""
        path = self.folder / "findings.parquet"
        if not path.is_file():
            return [], 0
        rows = pl.scan_parquet(path)
        total = int(rows.select(pl.len()).collect().item())
        some = rows.group_by("check", maintain_order=True).head(of_each).collect().to_dicts()
        some.sort(key=lambda row: (_ORDER.index(row["severity"]), row["check"]))
        return [row | {"detail": personal.without_addresses(row["detail"] or "")} for row in some[:most]], total


def load(folder: Path) -> Saved:
    """Read the documents of a run's folder; a stage without a file is left out.

    Raises:
        UsageError: a file is no JSON.
    """
    found = {}
    for name in STAGES:
        path = folder / f"{name}.json"
        if path.is_file():
            found[name] = read_json(path)
    return Saved(folder=folder, stages=found)


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
