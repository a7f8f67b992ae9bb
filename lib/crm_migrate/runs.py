"""Runs are folders under `reports/`: their names are UTC times, so the last one is the latest."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from crm_migrate.errors import NoSuchRun, UsageError

LATEST, NEW = "latest", "new"
Stage = Literal["assess", "dry-run", "execute", "verify"]  # of a run that have a notebook
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def listed(reports: Path) -> tuple[Path, ...]:
    """The folders of all runs, oldest first."""
    if not reports.is_dir():
        return ()
    return tuple(sorted(path for path in reports.iterdir() if path.is_dir() and _NAME.fullmatch(path.name)))


def folder(run_id: str, reports: Path) -> Path:
    """The folder of a run: `latest` for the last one, `new` for one that begins now, else its id.

    Raises:
        NoSuchRun: there is no such run, or none at all.
        UsageError: this can be no run's id.
    """
    if run_id == NEW:
        return _begin(reports)
    runs = listed(reports)
    if run_id == LATEST:
        if not runs:
            raise NoSuchRun(f"there is no run in {reports}", hint="Begin one with `crm-migrate assess`.")
        return runs[-1]
    if not _NAME.fullmatch(run_id):
        raise UsageError(f"{run_id!r} is no run id", hint="A run id is the name of a folder in the reports folder.")
    if reports / run_id not in runs:
        known = ", ".join(path.name for path in runs[-3:]) or "none"
        raise NoSuchRun(f"there is no run {run_id} in {reports}", hint=f"The last ones are: {known}.")
    return reports / run_id


def _begin(reports: Path) -> Path:
    reports.mkdir(parents=True, exist_ok=True)
    name = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    for suffix in ("", *(f"-{number}" for number in range(2, 10))):
        path = reports / f"{name}{suffix}"
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise UsageError(f"more than nine runs began in the second {name}", hint="Run the command again.")
