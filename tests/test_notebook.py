"""The four notebooks keep to style.md, and what they call shows every stage, reached or not."""

from __future__ import annotations

import ast
import re
import threading
from pathlib import Path
from typing import Any

import nbformat
import pytest

import saved_run
from conftest import Database
from crm_migrate import notebook, plan, postgres, simulate, verify, workflow
from crm_migrate.catalog import Catalog
from crm_migrate.events import Event
from crm_migrate.report import figures, runner
from crm_migrate.settings import Settings

PLACE = runner.default_notebooks()
NAMES = tuple(runner.STAGES.values())
PARAMETERS = {
    "01_assess": {
        "run_id": "latest",
        "show_personal_data": False,
        "table": "all",
        "severity": "all",
        "check": "all",
        "line": 0.0,
    },
    "02_dry_run": {
        "run_id": "latest",
        "rehearse": False,
        "approved_by": "",
        "comment": "",
        "record": "deals",
        "show_personal_data": False,
    },
    "03_execute": {"run_id": "latest", "confirm": "", "batch_size": 10_000, "follow": False},
    "04_verify": {"run_id": "latest", "confirm": ""},
}


@pytest.fixture(params=NAMES)
def cells(request: pytest.FixtureRequest) -> list[Any]:
    return list(nbformat.read(PLACE / f"{request.param}.ipynb", as_version=4).cells)


def code_of(cells: list[Any]) -> list[Any]:
    return [cell for cell in cells if cell.cell_type == "code"]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_valid_and_its_cells_have_ids_that_stay(name: str) -> None:
    text = (PLACE / f"{name}.ipynb").read_text(encoding="utf-8")
    document = nbformat.reads(text, as_version=4)
    nbformat.validate(document)
    assert (document.nbformat, document.nbformat_minor) == (4, 5)
    assert all(re.fullmatch(r"[a-z-]+", cell.id) for cell in document.cells)
    assert text.endswith("}\n")


def test_a_notebook_is_committed_without_outputs_and_counts(cells: list[Any]) -> None:
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code_of(cells))


def test_a_notebook_begins_with_the_question_what_it_changes_and_how_to_undo_it(cells: list[Any]) -> None:
    first = cells[0]
    assert first.cell_type == "markdown"
    assert re.match(r"# .+\?$|# Run the migration$", first.source.splitlines()[0])
    assert "**What it changes.**" in first.source
    assert "**How to undo it.**" in first.source


def test_parameters_then_imports_then_triples_then_what_to_decide(cells: list[Any]) -> None:
    kinds = [cell.cell_type for cell in cells]
    assert kinds == ["markdown", "code", *["code", *["markdown", "code"] * ((len(cells) - 4) // 2)], "markdown"]
    assert [code_of(cells)[number].metadata.tags for number in (0, 1)] == [["parameters"], ["setup"]]
    assert cells[-1].source.startswith("## What to decide now")


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_literals_with_a_comment_each_and_everything_dangerous_is_off(name: str) -> None:
    source = code_of(nbformat.read(PLACE / f"{name}.ipynb", as_version=4).cells)[0].source
    assert all(re.fullmatch(r"\w+ = \S+ +# .+", line) for line in source.splitlines())
    assigned = [node for node in ast.parse(source).body if isinstance(node, ast.Assign)]
    assert {ast.unparse(node.targets[0]): ast.literal_eval(node.value) for node in assigned} == PARAMETERS[name]


def test_setup_holds_imports_and_nothing_else(cells: list[Any]) -> None:
    body = ast.parse(code_of(cells)[1].source).body
    assert all(isinstance(node, ast.Import | ast.ImportFrom) for node in body)


def test_a_code_cell_is_short_and_holds_no_logic(cells: list[Any]) -> None:
    forbidden = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.Try, ast.For, ast.While, ast.If, ast.With)
    for cell in code_of(cells):
        assert len(cell.source.splitlines()) <= 8
        assert not [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, forbidden)]
        assert not re.search(r"\b(select|insert|update|delete)\b.+\b(from|into|set)\b", cell.source, re.IGNORECASE)


def test_a_notebook_has_at_least_two_charts_that_exist(cells: list[Any]) -> None:
    charts = re.findall(r"notebook\.figure\(figures\.(\w+), run_id\)", "\n".join(cell.source for cell in cells))
    assert len(charts) >= 2
    assert set(charts) <= set(figures.__all__)


def test_only_the_cell_that_changes_the_database_is_tagged_as_dangerous() -> None:
    tagged = {
        (name, cell.id)
        for name in NAMES
        for cell in nbformat.read(PLACE / f"{name}.ipynb", as_version=4).cells
        if "danger" in cell.metadata.get("tags", [])
    }
    assert tagged == {("03_execute", "execute")}


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a kernel would have been given to show, in order."""
    pictures: list[str] = []

    class Handle:
        def update(self, picture: Any) -> None:
            pictures[-1] = picture.data

    def display(picture: Any, *, display_id: bool = False) -> Handle:
        pictures.append(picture.data)
        return Handle()

    monkeypatch.setattr(notebook, "_in_kernel", lambda: True)
    monkeypatch.setattr(notebook, "display", display)
    return pictures


def test_a_stage_shows_the_same_from_memory_as_from_its_file(tmp_path: Path, shown: list[str]) -> None:
    saved_run.write(tmp_path)
    notebook.show(simulate.load(tmp_path))
    notebook.show(verify.load(tmp_path))
    assert "529 new rows are predicted; 1 row would be set aside." in shown[0]
    assert "The migration is verified" in shown[1]


def test_a_stage_that_has_not_been_reached_is_shown_in_words(shown: list[str]) -> None:
    notebook.show(None)
    assert "This stage of the run has not been reached." in shown[0]


def test_the_plan_shows_every_phase_and_step(shown: list[str], catalog: Catalog) -> None:
    built = plan.build(catalog)
    notebook.show(built)
    assert all(step.step.name.replace(">", "&gt;") in shown[0] for step in built.steps())


def test_where_a_run_stands_names_the_stages_that_are_missing(tmp_path: Path, shown: list[str]) -> None:
    stands = workflow.Status(
        run_id="run-1",
        snapshot=None,
        assessment=None,
        simulation=simulate.load(saved_run.write(tmp_path)),
        decision=None,
        run=None,
        verification=None,
    )
    notebook.show(stands)
    assert "Run run-1 has been through 1 of 6 stages." in shown[0]
    assert shown[0].count("There is nothing yet.") == 5


def test_progress_keeps_one_line_for_each_piece_of_work_and_ends_with_the_last_state(shown: list[str]) -> None:
    take = notebook.progress()
    for done in range(0, 301, 100):
        take(Event("progress", "load:contacts", f"{done} rows", rows_done=done, rows_total=300, seconds=1.0))
    take(Event("retry", "load:contacts", "SQLSTATE 55P03; trying again in 0.1 s (1 of 5)"))
    assert len(shown) == 1
    assert "300 of 300 · 1.0 s" in shown[0]
    assert "SQLSTATE 55P03" in shown[0]
    assert shown[0].count("<li>") == 2


def test_text_in_an_event_is_escaped(shown: list[str]) -> None:
    notebook.progress()(Event("note", saved_run.NASTY, saved_run.NASTY))
    assert saved_run.NASTY not in shown[0]


def test_without_a_kernel_progress_prints_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    take = notebook.progress()
    take(Event("phase", "1_1_foundation", "begins"))
    take(Event("progress", "load:contacts", "100 rows"))
    assert capsys.readouterr().out == "1_1_foundation: begins\n"


def test_a_chart_of_a_new_run_is_that_of_the_latest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_MIGRATE_REPORTS", str(tmp_path))
    saved_run.write(tmp_path / "20261122T160000Z")
    assert "0.52 %" in notebook.figure(figures.warning_ratio, "new").layout.title.text
    assert [path.name for path in tmp_path.iterdir()] == ["20261122T160000Z"]


@pytest.mark.parametrize(
    ("name", "said"),
    [("checks", "4 checks were asked"), ("columns", "5 columns of 2 tables")],
)
def test_everything_there_is_stands_in_a_table_with_controls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: list[str], name: Any, said: str
) -> None:
    monkeypatch.setenv("CRM_MIGRATE_REPORTS", str(tmp_path))
    saved_run.write(tmp_path / "20261122T160000Z")
    notebook.table(name, "new")
    assert said in shown[0]
    assert "<table data-filter=" in shown[0]
    assert "<script data-crm>" in shown[0]


def test_a_run_is_followed_until_it_ends_whoever_drives_it(
    shown: list[str], migrated: tuple[Settings, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, database = migrated
    monkeypatch.setenv("CRM_MIGRATE_DATABASE_URL", database.url)
    monkeypatch.setenv("CRM_MIGRATE_REPORTS", str(settings.reports))
    with postgres.connect(database.url, autocommit=True, purpose="execute") as runner:
        runner.execute("update migration.runs set status = 'running', stage = 'verify'")

        def end() -> None:
            runner.execute("update migration.runs set status = 'completed', stage = 'done'")

        with postgres.migration_lock(runner):
            notebook.watch()
            assert ", stage verify, by `crm-migrate execute`" in shown[0]
            later = threading.Timer(1.5, end)
            later.start()
            notebook.watch(follow=True)
            later.join()
    assert len(shown) == 2
    assert "5 of 5 phases are done, stage done" in shown[1]


def test_a_run_that_nobody_executed_is_watched_in_words(
    shown: list[str], sample: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_MIGRATE_DATABASE_URL", sample.url)
    monkeypatch.setenv("CRM_MIGRATE_REPORTS", str(tmp_path))
    notebook.watch(follow=True)
    assert "This stage of the run has not been reached." in shown[0]
