"""The kill certificate: a spread sample of what `make certify` tries, and what the report says of it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from certify import points
from certify.stretches import Place, Point, classes, in_order, spread
from certify.tries import Outcome
from crm_migrate import certificate
from crm_migrate.certificate import Certificate, Tried
from crm_migrate.report import overview
from crm_migrate.report.views.certificate import certificate as view
from test_report_pages import Parsed

SAMPLE = [
    *("batch:kill:1", "batch:terminate:1", "batch:restart:1"),
    *("phase:kill:1", "all:terminate:1"),
]
MADE = Certificate(
    made_at="2026-11-22T23:00:00+00:00",
    version="0.1.0",
    server_version="18.4",
    contacts=300,
    batch_size=100,
    sql="s",
    program="p",
    tried=(
        Tried("batch", "kill", 4_000, 150, 400, 400, 150, 400, 4_000, 1),
        Tried("all", "terminate", 4_100, 70, 180, 180, 70, 180, 4_100, 29),
    ),
    failed=(),
)
PART = Tried("batch", "kill", 9, 3, 7, 7, 3, 7, 9, 1)


def test_wherever_a_night_dies_it_goes_on_and_ends_in_the_same_database(tmp_path: Path) -> None:
    environment = os.environ | {
        "PYTHONPATH": str(Path(__file__).parent),
        "CRM_MIGRATE_WORKSPACE": str(tmp_path / "bench"),
        "CRM_MIGRATE_REPORTS": str(tmp_path),
    }
    command = [sys.executable, "-m", "certify", "--processes", "1", *SAMPLE]  # the other core has tests of its own
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    made = certificate.load(tmp_path)
    assert made is not None
    assert {f"{part.commit}:{part.death}:{part.tried}" for part in made.tried} == set(SAMPLE)
    assert all(part.identical == part.tried for part in made.tried)
    assert max(part.redone for part in made.tried if part.commit == "batch") <= 1


def night(*parts: tuple[int, str, int]) -> tuple[Place, ...]:
    """Places of a night: how many of which session are in which stretch."""
    return tuple(
        Place("phases", "before", "select", session, stretch) for count, session, stretch in parts for _ in range(count)
    )


def test_every_place_is_in_a_class_that_is_tried_at_both_ends_and_in_the_middle() -> None:
    places = night((1, "execute", 1), (2, "execute", 2), (40, "execute", 3), (2_000, "execute", 4))
    found = classes(places, "kill")
    assert [one.places for one in found] == [1, 2, 40, 2_000]
    assert [len(one.tried) for one in found] == [1, 2, 3, 6]
    assert [(one.tried[0], one.tried[-1]) for one in found] == [(0, 0), (1, 2), (3, 42), (43, 2_042)]
    assert found == classes(places, "kill")


def test_a_kill_after_a_commit_stands_for_one_before_the_next_statement() -> None:
    places = tuple(Place("phases", side, "", "execute", 1) for side in ("after", "before"))
    assert [one.tried for one in classes(places, "kill")] == [(0,)]
    assert [one.tried for one in classes(places, "restart")] == [(0, 1)]


def test_where_one_session_of_several_ends_its_places_stand_for_themselves() -> None:
    places = night((3, "execute", 1), (4, "verify", 1), (2, "execute", 1))
    assert [one.places for one in classes(places, "terminate")] == [5, 4]
    assert [one.places for one in classes(places, "restart")] == [9]


def test_a_few_points_are_spread_over_the_night() -> None:
    assert spread(range(100), 4) == [12, 37, 62, 87]
    assert spread([3, 1, 2], None) == [1, 2, 3]


def test_kills_come_first_within_a_stretch() -> None:
    places = night((2, "execute", 1), (2, "execute", 2))
    given = [Point("batch", death, number) for death in ("restart", "kill") for number in (3, 0, 1)]
    assert [(point.death, point.number) for point in in_order(given, places)] == [
        ("kill", 0),
        ("kill", 1),
        ("restart", 0),
        ("restart", 1),
        ("kill", 3),
        ("restart", 3),
    ]


def test_a_class_covers_its_places_once_all_of_it_was_tried_and_left_the_same() -> None:
    places = {"batch": night((1, "execute", 1), (20, "execute", 2))}
    numbers = [number for one in classes(places["batch"], "kill") for number in one.tried]
    made = [Outcome(Point("batch", "kill", number), "somewhere", True, 0, {"rows": "a"}, "") for number in numbers]
    (part,), doubts = points.summed(made, places)
    assert (part.points, part.classes, part.wanted, part.tried, part.identical, part.covered) == (21, 2, 4, 4, 4, 21)
    assert not doubts
    beside = next(number for number in range(21) if number not in numbers)
    more = replace(made[0], point=Point("batch", "kill", beside))  # made only to begin from
    assert points.summed([*made, more], places) == ((part,), ())
    (part,), doubts = points.summed(made[:-1], places)
    assert (part.tried, part.covered) == (3, 1)
    (part,), doubts = points.summed([*made[:-1], replace(made[-1], left={"rows": "b"})], places)
    assert (part.tried, part.identical, part.covered) == (4, 4, 1)
    assert doubts == ("batch kill class 2: somewhere: rows differ",)


def test_of_a_point_that_was_tried_twice_the_last_try_counts(tmp_path: Path) -> None:
    for problem in ("rows differ", ""):
        points.note(tmp_path / "done.jsonl", Outcome(Point("batch", "kill", 7), "somewhere", True, 1, {}, problem))
    assert [outcome.problem for outcome in points.noted(tmp_path / "done.jsonl")] == [""]


def test_the_first_survey_of_a_mode_is_the_one_that_counts(tmp_path: Path) -> None:
    first, later = night((2, "execute", 1)), night((1, "execute", 1), (1, "execute", 2))
    assert points.agreed(tmp_path / "done.jsonl", "all", first) == first
    assert points.agreed(tmp_path / "done.jsonl", "all", later) == first
    with pytest.raises(SystemExit, match="2 and 3 places"):
        points.agreed(tmp_path / "done.jsonl", "all", night((3, "execute", 1)))


def test_what_the_certificate_does_not_speak_of_has_no_part_in_a_night() -> None:
    command = "import sys, crm_migrate.night; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[1] for name in done.stdout.split() if name.startswith("crm_migrate.")}
    package = Path(certificate.__file__).parent
    assert not loaded & certificate.NO_PART
    assert {path.stem for path in package.iterdir()} >= certificate.NO_PART


def test_a_certificate_is_read_as_it_was_written(tmp_path: Path) -> None:
    certificate.save(MADE, tmp_path)
    assert certificate.load(tmp_path) == MADE
    assert certificate.load(tmp_path / "elsewhere") is None


def test_a_complete_certificate_says_how_many_deaths_ended_the_same() -> None:
    said = view(MADE, sql="s", program="p")
    assert said.badge.word == "complete"
    assert "died 580 times. 220 times it went on to the end" in said.sentence
    assert "580 times that is the same database" in said.sentence
    assert "covers 8,100 of 8,100 places" in said.sentence
    assert not said.reasons


@pytest.mark.parametrize(
    ("made", "sql", "program", "badge", "reason"),
    [
        (MADE, "other", "p", "of another version", "other SQL files than these"),
        (MADE, "s", "other", "of another version", "other modules than these"),
        (MADE, "other", "other", "of another version", "other SQL files and other modules than these"),
        (replace(MADE, tried=(replace(PART, tried=6, identical=6, covered=8),)), "s", "p", "in part", ""),
        (
            replace(MADE, tried=(replace(PART, identical=6),), failed=("batch kill 7: rows differ",)),
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
    assert "Kill certificate" not in overview.write(tmp_path / "20261122T230000Z").read_text(encoding="utf-8")
    certificate.save(MADE, tmp_path)
    text = overview.write(tmp_path / "20261122T230000Z").read_text(encoding="utf-8")
    assert "Kill certificate" in text
    assert "run `make certify` again" in text
    assert all(reference.startswith("data:") for reference in Parsed(text).references)
