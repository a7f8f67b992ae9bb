"""A run for a CI job: Markdown of one screen, and JUnit XML that says which check failed."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

import saved_run
from crm_migrate import catalog
from crm_migrate.report import saved, summary


def run(folder: Path, **changed: object) -> saved.Saved:
    return saved.load(saved_run.write(folder / "20261122T160000Z", **changed))  # type: ignore[arg-type]


def test_the_summary_begins_with_the_verdict_and_fits_on_a_screen(tmp_path: Path) -> None:
    text = summary.markdown(run(tmp_path))
    lines = text.splitlines()
    assert lines[0] == "## CRM migration, run 20261122T160000Z"
    assert lines[2].startswith(("✅ **", "❌ **"))
    assert len(lines) < 60
    assert "deals.unknown\\_stage" in text or "deals.unknown_stage" in text
    assert "<script" not in text


def test_pre_flight_checks_that_hold_are_one_line_and_one_that_does_not_has_its_own(tmp_path: Path) -> None:
    checks = [{"name": f"pre-flight: {n}", "limit": "ok", "value": "ok", "ok": True} for n in range(18)]
    missed = {"name": "pre-flight: backup", "limit": "ok", "value": "no pg_dump", "ok": False}
    criteria = [*saved_run.DECISION["criteria"], *checks, missed]
    lines = summary.markdown(run(tmp_path, decision={"criteria": criteria})).splitlines()
    assert [line for line in lines if "pre-flight" in line] == [
        "| ❌ | pre-flight: backup | no pg_dump | ok |",
        "| ✅ | pre-flight: 19 checks | ok | ok |",  # and the one of every decision
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"decision": {"approved_by": None}, "run": None, "verification": None}, "⚠️ **GO** Every criterion holds."),
        ({"run": {"status": "paused"}, "verification": None}, "⚠️ **paused** Paused after"),
        ({"run": {"status": "rolled_back"}}, "⚠️ **rolled back** The migration was taken back"),
    ],
)
def test_the_summary_begins_with_how_the_run_stands(tmp_path: Path, changed: dict[str, object], said: str) -> None:
    assert summary.markdown(run(tmp_path, **changed)).splitlines()[2].startswith(said)


def test_nothing_decided_is_said_to_be_so(tmp_path: Path) -> None:
    folder = tmp_path / "20261122T160000Z"
    folder.mkdir()
    assert "Nothing was decided yet." in summary.markdown(saved.load(folder))


def test_a_run_that_stopped_is_no_success_whatever_its_stages_say(tmp_path: Path) -> None:
    text = summary.markdown(run(tmp_path), stopped="02_dry_run stopped: no room for ann.lee@example.com")
    lines = text.splitlines()
    assert lines[2] == "❌ **Stopped** 02_dry_run stopped: no room for a…@…"
    assert "deals.unknown_stage" in text


def test_blockers_fail_and_warnings_do_where_their_share_is_too_large(tmp_path: Path) -> None:
    def failed(**changed: object) -> set[str]:
        assessment = saved_run.ASSESSMENT | changed
        suites = ElementTree.fromstring(summary.junit(run(tmp_path, assessment=assessment), ()))
        suite = suites[0]
        names = {case.get("name", "") for case in suite.iter("testcase") if case.find("failure") is not None}
        assert int(suite.get("tests", "0")) == len(assessment["checks"])
        assert int(suite.get("failures", "0")) == len(names)
        return names

    blockers = {check["check"] for check in saved_run.ASSESSMENT["checks"] if check["severity"] == "blocker"}
    warned = {
        check["check"]
        for check in saved_run.ASSESSMENT["checks"]
        if check["failing"] and check["severity"] in ("blocker", "warning")
    }
    assert failed(warning_ratio=0.0) == {name for name in blockers if name in warned}
    assert failed(warning_ratio=0.5) == warned


def test_a_check_that_was_not_run_is_skipped(tmp_path: Path) -> None:
    known = catalog.load().checks
    suite = ElementTree.fromstring(summary.junit(run(tmp_path, assessment={"checks": []}), known))[0]
    assert len(suite.findall("testcase/skipped")) == int(suite.get("skipped", "0")) == len(known) > 0


def test_both_files_are_written_and_a_job_of_github_s_gets_the_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "job.md"))
    made = summary.write(run(tmp_path).folder)
    assert made.read_text("utf-8") == (tmp_path / "job.md").read_text("utf-8")
    assert (made.parent / "checks.xml").read_text("utf-8").startswith("<?xml")
