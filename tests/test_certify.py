"""The kill certificate: a spread sample of what `make certify` tries, and what the report says of it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from certify import points
from certify.tries import Outcome, Place, Point, Undisturbed
from crm_migrate import certificate
from crm_migrate.certificate import Certificate, Tried
from crm_migrate.report import pages
from crm_migrate.report.views.certificate import certificate as view
from test_report_pages import Parsed

SAMPLE = {
    "batch": ["batch:kill:6", "batch:terminate:3", "batch:restart:2"],
    "phase": ["phase:kill:5", "phase:terminate:3"],
    "all": ["all:kill:5", "all:terminate:3"],
}
MADE = Certificate(
    made_at="2026-11-22T23:00:00+00:00",
    version="0.1.0",
    server_version="18.4",
    contacts=300,
    batch_size=100,
    sql="s",
    program="p",
    tried=(Tried("batch", "kill", 4_000, 4_000, 4_000, 1), Tried("all", "terminate", 4_100, 4_100, 4_100, 29)),
    failed=(),
)


@pytest.mark.parametrize("commit", SAMPLE)
def test_wherever_a_night_dies_it_goes_on_and_ends_in_the_same_database(commit: str, tmp_path: Path) -> None:
    environment = os.environ | {
        "PYTHONPATH": str(Path(__file__).parent),
        "CRM_MIGRATE_WORKSPACE": str(tmp_path / "bench"),
        "CRM_MIGRATE_REPORTS": str(tmp_path),
    }
    command = [sys.executable, "-m", "certify", "--processes", "1", *SAMPLE[commit]]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    made = certificate.load(tmp_path)
    assert made is not None
    wanted = [f"{part.commit}:{part.death}:{part.tried}" for part in made.tried]
    assert wanted == SAMPLE[commit]
    assert all(part.identical == part.tried for part in made.tried)
    assert commit != "batch" or max(part.redone for part in made.tried) <= 1


def test_each_beginning_of_the_points_is_spread_over_the_night() -> None:
    place = Place("phases", "before", "select")
    undisturbed = Undisturbed({"evening": (place,) * 50, "phases": (place,) * 40, "verify": (place,) * 10}, None, 0)
    listed = points.spread("batch", "kill", undisturbed)
    assert len(set(listed)) == 100
    assert [sum(point.start == start for point in listed[:10]) for start in ("evening", "phases", "verify")] == [
        5,
        4,
        1,
    ]


def test_of_a_point_that_was_tried_twice_the_last_try_counts(tmp_path: Path) -> None:
    point = Point("batch", "kill", "phases", 7)
    for problem in ("rows differ", ""):
        points.note(tmp_path / "done.jsonl", Outcome(point, "somewhere", 1, problem), of=3)
    assert points.summed(points.noted(tmp_path / "done.jsonl")) == (Tried("batch", "kill", 3, 1, 1, 1),)


def test_a_certificate_is_read_as_it_was_written(tmp_path: Path) -> None:
    certificate.save(MADE, tmp_path)
    assert certificate.load(tmp_path) == MADE
    assert certificate.load(tmp_path / "elsewhere") is None


def test_a_complete_certificate_says_how_many_deaths_ended_the_same() -> None:
    said = view(MADE, sql="s", program="p")
    assert said.badge.word == "complete"
    assert "died at 8,100 of 8,100 places and went on; 8,100 times it ended in the same database" in said.sentence
    assert not said.reasons


@pytest.mark.parametrize(
    ("made", "sql", "program", "badge", "reason"),
    [
        (MADE, "other", "p", "of another version", "other SQL files than these"),
        (MADE, "s", "other", "of another version", "other modules than these"),
        (MADE, "other", "other", "of another version", "other SQL files and other modules than these"),
        (replace(MADE, tried=(Tried("batch", "kill", 9, 8, 8, 1),)), "s", "p", "in part", ""),
        (
            replace(MADE, tried=(Tried("batch", "kill", 9, 9, 8, 1),), failed=("batch kill 7: rows differ",)),
            "s",
            "p",
            "broken",
            "rows differ",
        ),
    ],
)
def test_a_certificate_of_other_files_or_in_part_or_broken_is_said_to_be_so(
    made: Certificate, sql: str, program: str, badge: str, reason: str
) -> None:
    said = view(made, sql=sql, program=program)
    assert said.badge.word == badge
    assert reason in " ".join(said.reasons)


def test_the_overview_of_a_run_shows_the_certificate_of_its_reports(tmp_path: Path) -> None:
    (tmp_path / "20261122T230000Z").mkdir()
    assert "Kill certificate" not in pages.write(tmp_path / "20261122T230000Z").read_text(encoding="utf-8")
    certificate.save(MADE, tmp_path)
    text = pages.write(tmp_path / "20261122T230000Z").read_text(encoding="utf-8")
    assert "Kill certificate" in text
    assert "run `make certify` again" in text
    assert all(reference.startswith("data:") for reference in Parsed(text).references)
