"""Charts say their finding in words, are complete without hover, and let no text from the data through as markup."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest

import saved_run
from crm_migrate import verify
from crm_migrate.report import figures, look, saved
from crm_migrate.report.figures import base
from crm_migrate.report.figures import verify as figures_verify

CHARTS = [getattr(figures, name) for name in figures.__all__]


@pytest.fixture
def full(tmp_path: Path) -> saved.Saved:
    return saved.load(saved_run.write(tmp_path / "run-1"))


def title(figure: go.Figure) -> str:
    return str(figure.layout.title.text)


def test_an_unfinished_run_is_measured_by_the_loads_to_come_as_well(tmp_path: Path) -> None:
    phases = [
        saved_run.RUN["phases"][0],
        *(phase | {"status": "pending", "seconds": 0.0} for phase in saved_run.RUN["phases"][1:]),
    ]
    steps = [step for step in saved_run.RUN["steps"] if step["phase"] == "1_1_foundation"]
    paused = {"status": "paused", "phases": phases, "steps": steps}
    models = [
        {"model": name, "target": name, "mode": "insert", "source_rows": rows, "rows": rows, "rejects": 0}
        for name, rows in (("contacts", 300), ("contact_organizations", 290), ("activities_from_tasks", 240))
    ]
    run = saved.load(saved_run.write(tmp_path / "run", run=paused, simulation={"models": models}))
    assert title(figures.rows_by_step(run)) == "515 of 1,045 source rows are through"
    assert "so far" in title(figures.duration_by_phase(run))
    assert "0.0 s" not in str(figures.duration_by_phase(run).layout.meta["alt"])


@pytest.mark.parametrize(
    ("months", "shown"),
    [
        (["2026-11", "2026-08"], ["2026-08", "2026-09", "2026-10", "2026-11"]),
        (["2025-12", "2026-12"], ["2025-12", "2026-01 to 2026-11", "2026-12"]),
        ([f"{year}-01" for year in (*range(2015, 2023), 2025)], [*(str(y) for y in range(2015, 2026))]),
        (
            [f"{year}-01" for year in (*range(2019, 2027), 2099)],
            [*(str(y) for y in range(2019, 2027)), "2027 to 2098", "2099"],
        ),
    ],
)
def test_a_hole_in_the_history_is_seen(tmp_path: Path, months: list[str], shown: list[str]) -> None:
    rows = [[month, "call", 3] for month in months]
    relationships = {**saved_run.SIMULATION["relationships"], "activities_by_month": rows}
    run = saved.load(saved_run.write(tmp_path / "run", simulation={"relationships": relationships}))
    assert list(figures.activities_by_month(run).layout.xaxis.categoryarray) == shown


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.__name__)
def test_every_chart_draws_the_saved_run_and_says_it_in_words_too(chart: Any, full: saved.Saved) -> None:
    figure = chart(full)
    assert figure.data
    assert len(figure.layout.meta["alt"]) > 20
    assert "source: " in figure.layout.title.subtitle.text


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.__name__)
def test_every_chart_of_a_run_without_files_says_what_makes_it(chart: Any, tmp_path: Path) -> None:
    figure = chart(saved.load(tmp_path))
    assert not figure.data
    assert figure.layout.annotations[0].text


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.__name__)
def test_no_chart_lets_markup_from_the_data_through(chart: Any, full: saved.Saved) -> None:
    drawn = json.loads(chart(full).to_json(engine="json"))
    drawn["layout"]["meta"] = None  # the alternative text is plain text; a page escapes it
    assert saved_run.NASTY not in json.dumps(drawn)


def test_a_blocker_names_the_table_to_mend_first(tmp_path: Path) -> None:
    checks = [check | {"failing": 7} for check in saved_run.ASSESSMENT["checks"]]
    run = saved.load(saved_run.write(tmp_path, assessment={"checks": checks}))
    assert title(figures.findings_by_table(run)) == "7 blockers: contacts must be mended first"


@pytest.mark.parametrize(("ratio", "side"), [(0.0099, "under"), (0.01, "over"), (0.2, "over")])
def test_the_warning_chart_says_on_which_side_of_the_line_we_are(tmp_path: Path, ratio: float, side: str) -> None:
    run = saved.load(saved_run.write(tmp_path, assessment={"warning_ratio": ratio}))
    assert f"{side} the line of 1 %" in title(figures.warning_ratio(run))


def test_the_line_is_the_one_the_decision_went_by(tmp_path: Path) -> None:
    criteria = [{"name": "records with a warning, as a share", "limit": 0.05, "value": 0.02, "ok": True}]
    run = saved.load(saved_run.write(tmp_path, assessment={"warning_ratio": 0.02}, decision={"criteria": criteria}))
    assert title(figures.warning_ratio(run)) == "Warnings stand at 2 %, under the line of 5 %"


def night(folder: Path, *told: tuple[str, str, int | None, int]) -> saved.Saved:
    """A run that told these events: kind, name, rows done, and the second."""
    saved_run.write(folder)
    lines = [
        {"kind": kind, "name": name, "at": f"2026-11-22T16:{second // 60:02d}:{second % 60:02d}+00:00"}
        | ({} if rows is None else {"rows_done": rows})
        for kind, name, rows, second in told
    ]
    (folder / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"kind": "prog')
    return saved.load(folder)


def test_throughput_counts_each_row_of_a_load_once_however_often_it_is_told_and_none_of_the_rehearsal(
    tmp_path: Path,
) -> None:
    run = night(
        tmp_path,
        ("progress", "load:contacts", 500, 0),  # the rehearsal
        ("stage", "phases", None, 1),
        ("progress", "load:contacts", 10, 2),
        ("progress", "simulate", 99, 3),
        ("progress", "load:contacts", 20, 4),
        ("progress", "load:contacts", 20, 5),
    )
    figure = figures.throughput(run)
    assert title(figure) == "20 source rows in 4.0 s, 5 a second; no pause, no retry"
    assert max(figure.data[0].y) == pytest.approx(10 / figure.data[0].width)


def test_throughput_shows_a_pause_and_a_retry_and_counts_what_was_left_after_it(tmp_path: Path) -> None:
    run = night(
        tmp_path / "run-1",
        ("stage", "phases", None, 0),
        ("progress", "load:contacts", 100, 10),
        ("retry", "load:contacts", None, 12),
        ("note", "run-1", None, 20),
        ("stage", "close", None, 80),
        ("stage", "phases", None, 81),
        ("progress", "load:contacts", 50, 100),
    )
    figure = figures.throughput(run)
    assert title(figure) == "150 source rows in 1 min 40 s, 4 a second without the pauses; 1 pause, 1 retry"
    assert [note.text for note in figure.layout.annotations] == ["stood for 1 min"]
    assert list(figure.data[1].x) == [12]


def test_counters_that_begin_anew_with_each_call_grow_on_in_the_chart(tmp_path: Path) -> None:
    saved_run.write(tmp_path)
    lines = [
        {"at": f"2026-11-22T16:20:0{second}+00:00", "wal_bytes": wal}
        for second, wal in enumerate((1e6, 3e6, 1e6, None))
    ]
    (tmp_path / "resources.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert list(figures.resource_use(saved.load(tmp_path)).data[2].y) == [1.0, 3.0, 4.0, 4.0]


def test_the_network_says_what_it_leaves_out(full: saved.Saved) -> None:
    figure = figures.network(full)
    assert title(figure) == "1 principal and 10 customers meet on 10 opportunities, through 1 distributor"
    assert (
        "3 busiest by name, 9 in groups; 150 opportunities with the customer alone" in figure.layout.title.subtitle.text
    )
    assert figure.data[0].node.label[3] == "9 other customers  4"


def test_the_proof_names_the_way_after_which_something_differed(tmp_path: Path) -> None:
    run = saved.load(saved_run.write(tmp_path, rehearsal={"differing_back": 3, "left_over": ["index i"]}))
    assert title(figures.up_down_up(run)) == "Up, down, up: 3 rows differ, 1 object after down, on the copy"


def test_the_forecast_stands_beside_each_phase(tmp_path: Path) -> None:
    estimate = {"seconds": 15, "phases": {"1_4_activities": 6.0, "1_1_foundation": 4.0}}
    run = saved.load(saved_run.write(tmp_path, simulation={"estimate": estimate}))
    assert title(figures.duration_by_phase(run)) == "7.5 s in all, forecast 10 s; 1.4 Activities took the longest"


def test_a_differing_row_is_in_the_title(tmp_path: Path) -> None:
    compared = {"contacts": {"rows": 300, "differing": 12}, "activities": {"rows": 240, "differing": 0}}
    run = saved.load(saved_run.write(tmp_path, verification={"compared": compared}))
    assert title(figures.predicted_and_found(run)) == "12 of 540 rows differ from the prediction"


def test_the_charts_know_how_the_verification_names_old_columns() -> None:
    assert figures_verify.LEGACY == verify.LEGACY


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("contacts", "contacts"),
        ("", ""),
        ("contact_organizations_from_deals", "contact_organizations_<br>from_deals"),
        ("principal_distributor_relationships_from_x", "principal_distributor_<br>relationships_from_x"),
        ("a" * 60, "a" * 60),
        ("<b> & so on", "&lt;b&gt; &amp; so on"),
    ],
)
def test_a_long_name_breaks_into_few_lines_and_stays_harmless(name: str, said: str) -> None:
    assert base.label(name) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0, "0 %"),
        (0.00001, "< 0.01 %"),
        (0.0042, "0.42 %"),
        (0.00999, "0.99 %"),
        (0.01, "1 %"),
        (0.9996, "99.9 %"),
        (1, "100 %"),
    ],
)
def test_a_share_is_never_rounded_up_to_a_line_it_does_not_reach(share: float, said: str) -> None:
    assert look.percent(share) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "–"), (0.04, "0.0 s"), (9.94, "9.9 s"), (59.7, "1 min"), (185, "3 min 5 s"), (7800, "2 h 10 min")],
)
def test_a_duration_reads_as_people_say_it(seconds: float | None, said: str) -> None:
    assert look.duration(seconds) == said
