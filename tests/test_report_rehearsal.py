"""The rehearsal on a page: whether it held, what each step took, and forecast beside fact."""

from __future__ import annotations

from pathlib import Path

import saved_run
from crm_migrate.report import figures, saved, views


def test_a_rehearsal_that_held_says_so_with_times_locks_and_what_was_not_copied() -> None:
    view = views.of("rehearsal", saved_run.REHEARSAL)
    assert (view.badge.word, view.reasons) == ("held", ())
    lacking, steps = view.tables
    assert saved_run.NASTY in str(lacking.rows)
    assert "AccessExclusiveLock on contacts" in steps.rows[0]


def test_a_rehearsal_that_failed_says_why() -> None:
    failed = {"verified": False, "differing": 3, "differing_back": 2, "left_over": ["table a"]}
    view = views.of("rehearsal", saved_run.REHEARSAL | failed)
    assert view.badge.word == "failed"
    assert [reason.split()[0] for reason in view.reasons] == ["The", "2", "After"]
    assert views.of("rehearsal", saved_run.REHEARSAL | {"failed": "step x stopped"}).reasons == ("step x stopped",)


def test_the_chart_shows_the_longest_steps_first(tmp_path: Path) -> None:
    folder = saved_run.write(tmp_path / "none", rehearsal=None)
    assert figures.rehearsed_steps(saved.load(folder)).layout.title.text == "Nothing was rehearsed"
    folder = saved_run.write(tmp_path / "run")
    drawn = figures.rehearsed_steps(saved.load(folder))
    assert drawn.layout.title.text == "2.5 s in all; 2 of 2 steps take 100 %"
    assert "load:contacts" in drawn.layout.meta["alt"]


def test_forecast_and_fact_stand_side_by_side_for_each_phase() -> None:
    estimate = {"seconds": 12.0, "basis": "rehearsal", "phases": {"1_1_foundation": 1.0, "1_4_activities": 7.0}}
    [table] = views.forecast(saved_run.SIMULATION | {"estimate": estimate}, saved_run.RUN)
    assert "rehearsal" in table.caption
    rows = {str(row[0]): row[1:] for row in table.rows}
    assert rows["1.1 Foundation"] == ("1.0 s", "1.9 s")
    assert rows["all phases"][0] == "8.0 s"
    assert rows["all phases, with the buffer of 50 %"][0] == "12 s"
