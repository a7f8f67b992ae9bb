"""Runs are folders whose names are times."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm_migrate import runs
from crm_migrate.errors import NoSuchRun, UsageError


def test_the_latest_run_is_the_one_that_began_last(tmp_path: Path) -> None:
    made = [runs.folder(runs.NEW, tmp_path) for _ in range(3)]
    assert runs.folder(runs.LATEST, tmp_path) == made[-1]
    assert runs.listed(tmp_path) == tuple(made)


def test_without_a_run_there_is_no_latest(tmp_path: Path) -> None:
    with pytest.raises(NoSuchRun, match="there is no run"):
        runs.folder(runs.LATEST, tmp_path / "none")


def test_a_run_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    made = runs.folder(runs.NEW, tmp_path)
    with pytest.raises(NoSuchRun) as error:
        runs.folder("20200101T000000Z", tmp_path)
    assert made.name in error.value.hint


@pytest.mark.parametrize("name", ["../elsewhere", "", "a/b", ".hidden"])
def test_a_run_id_cannot_leave_the_reports_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        runs.folder(name, tmp_path)
