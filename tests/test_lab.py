"""Each widget is turned or clicked, and what it shows afterwards is right; without a front end a picture is left."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import saved_run
from conftest import Database
from crm_migrate import execute, gate, lab, workflow
from crm_migrate.lab import parts
from crm_migrate.settings import Settings

ADDRESS = "quentin@zebedee.example"


def here(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Let this process's settings be these."""
    assert settings.database_url is not None
    for name, value in {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "WORKSPACE": settings.workspace,
        "REPORTS": settings.reports,
        "GRACE_SECONDS": 0,
    }.items():
        monkeypatch.setenv(f"CRM_MIGRATE_{name}", str(value))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a saved run."""
    monkeypatch.setenv("CRM_MIGRATE_REPORTS", str(tmp_path))
    return saved_run.write(tmp_path / "20261122T160000Z").name


def test_a_choice_or_a_click_on_a_bar_shows_those_rows_masked(run: str) -> None:
    made = lab.findings(run)
    assert "2 findings in all" in made.picture.value
    made.table.value = "contacts"
    assert "q…@…" in made.picture.value
    assert ADDRESS not in made.picture.value
    assert made.check.options == ("all", "contacts.bad_email")
    bar = made.bars.data[0]
    made.drill(SimpleNamespace(name="info"), SimpleNamespace(ys=["deals"]), None)
    assert bar.orientation == "h"
    assert (made.table.value, made.severity.value) == ("deals", "info")
    assert "deals.unknown_stage" in made.picture.value
    assert "contacts.bad_email" not in made.picture.value
    made.severity.value = "blocker"
    assert "deals.unknown_stage" not in made.picture.value


def test_what_is_chosen_and_the_line_are_parameters_as_well(run: str) -> None:
    made = lab.findings(run, table="contacts", severity="warning", check="no such check")
    assert (made.table.value, made.severity.value, made.check.value) == ("contacts", "warning", "all")
    assert "deals.unknown_stage" not in made.picture.value
    assert "would be NO-GO" in lab.threshold(run, line=0.1).picture.value


def test_asked_for_an_address_is_shown(run: str) -> None:
    assert ADDRESS in lab.findings(run, show_personal_data=True).picture.value


def test_the_verdict_follows_the_line(run: str) -> None:
    made = lab.threshold(run)
    made.slider.value = 5.0
    assert "would be GO" in made.picture.value
    made.slider.value = 0.1
    assert "would be NO-GO" in made.picture.value
    assert "4 of the 4 rows with a warning would have to be mended first" in made.picture.value


def test_without_a_front_end_the_picture_stands_in_the_widgets_place(run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr(parts, "display", lambda data, raw: shown.append(data))
    made = lab.threshold(run)
    assert [data["text/html"] for data in shown] == [made.picture.value]
    assert shown[0]["application/vnd.jupyter.widget-view+json"]["model_id"]


def test_one_record_after_the_other_is_shown_and_one_that_is_not_there_is_said_so(
    decided: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    here(monkeypatch, decided)
    made = lab.record("deals")
    assert "deals 1" in made.picture.value
    assert "tags_color_backup" not in made.table.options  # it has no id to follow
    made.table.value = "contacts"
    assert "contacts 1" in made.picture.value
    made.key.value = "987654"
    assert "987654" in made.picture.value
    assert "Traceback" not in made.picture.value


def test_a_decision_is_recorded_with_name_and_reason(decided: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    here(monkeypatch, decided)
    made = lab.decision()
    assert made.record.disabled
    made.name.value, made.comment.value = "Ann Approver", "the rehearsal was clean"
    assert not made.record.disabled
    made.record.click()
    assert "Ann Approver" in made.picture.value
    assert "the rehearsal was clean" in made.picture.value
    found = gate.load(workflow.run_folder("latest", decided))
    assert (found.approved_by, found.comment) == ("Ann Approver", "the rehearsal was clean")


def test_the_night_runs_beside_the_kernel_is_followed_and_seen_again(
    sample: Database, decided: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    here(monkeypatch, decided)
    made = lab.night()
    assert made.run.disabled
    made.confirm.value = "another_database"
    made.run.click()
    assert "another_database" in made.picture.value
    assert "confirmation missing" in made.picture.value
    made.confirm.value = sample.name
    made.run.click()
    assert made.follow.value or made.looking
    for thread in made.looking:
        thread.join(120)
    assert execute.load(workflow.run_folder("latest", decided)).status == "completed"
    assert "completed" in made.picture.value
    again: Any = lab.night()
    assert "completed" in again.picture.value
    again.pause.click()
    assert "no run is under way" in again.picture.value
