"""The runner hands over what a notebook knows, refuses the rest, and carries verdicts and errors to its caller."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import saved_run
from crm_migrate import runs, workflow
from crm_migrate.errors import UsageError
from crm_migrate.events import Event
from crm_migrate.report import overview, runner
from crm_migrate.settings import Settings

PARAMETERS = {
    "01_assess": 'run_id = "latest"  # which',
    "02_dry_run": 'run_id = "latest"  # which\nrehearse = False  # yes or no\napproved_by = ""  # who',
    "03_execute": 'run_id = "latest"  # which\nconfirm = ""  # database\nbatch_size = 10_000  # rows',
    "04_verify": 'run_id = "latest"  # which\nconfirm = ""  # database',
}


def notebooks(folder: Path, **code: str) -> Path:
    """Four notebooks with the parameters of the real ones, each with one cell of `code` besides."""
    folder.mkdir()
    for name, parameters in PARAMETERS.items():
        cells = [new_markdown_cell(f"# {name}"), new_code_cell(parameters, metadata={"tags": ["parameters"]})]
        cells.append(new_code_cell(code.get(f"_{name}", "run_id")))
        metadata = {"kernelspec": {"name": "nowhere", "display_name": "x", "language": "python"}}
        nbformat.write(new_notebook(cells=cells, metadata=metadata), folder / f"{name}.ipynb")
    return folder


def printed(notebook: Path) -> str:
    cells = nbformat.read(notebook, as_version=4).cells
    return "".join(
        output.text for cell in cells for output in cell.get("outputs", ()) if output.output_type == "stream"
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"batchsize": "5"}, "no parameter 'batchsize'"),
        ({"run_id": "x"}, "use --run"),
        ({"confirm": "x"}, "use --confirm"),
        ({"batch_size": "many"}, "'many' is not a whole number"),
        ({"rehearse": "maybe"}, "neither true nor false"),
    ],
)
def test_a_parameter_that_no_notebook_can_take_is_refused_before_anything_runs(
    tmp_path: Path, given: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        runner.run_notebooks(tmp_path, parameters=given, notebooks=notebooks(tmp_path / "notebooks"))
    assert refused.value.exit_code == 2
    assert not list(tmp_path.glob("*.ipynb"))


def test_an_unknown_parameter_is_refused_with_the_names_of_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        runner.run_notebooks(tmp_path, parameters={"x": "1"}, notebooks=notebooks(tmp_path / "notebooks"))
    assert refused.value.hint == "Known are approved_by, batch_size, rehearse."


def test_a_parameter_of_a_notebook_that_will_not_be_executed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="batch_size"):
        runner.run_notebooks(
            tmp_path, until="dry-run", parameters={"batch_size": "5"}, notebooks=notebooks(tmp_path / "notebooks")
        )


def test_a_refused_parameter_begins_no_run_that_would_be_the_latest(tmp_path: Path) -> None:
    settings = Settings(workspace=tmp_path / "workspace", reports=tmp_path / "reports")
    overview.write(saved_run.write(settings.reports / "20261122T160000Z"))
    for given, said in (({"nonsense": "3"}, "no parameter 'nonsense'"), ({"rehearse": "maybe"}, "true nor false")):
        with pytest.raises(UsageError, match=said):
            workflow.run(until="dry-run", parameters=given, settings=settings)
    assert [run.name for run in runs.listed(settings.reports)] == ["20261122T160000Z"]


def test_the_notebooks_that_come_with_the_package_are_found() -> None:
    assert {path.stem for path in runner.default_notebooks().glob("*.ipynb")} == set(runner.STAGES.values())


def test_a_kernel_has_the_caller_s_interpreter_and_folder_and_typed_parameters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = notebooks(
        tmp_path / "notebooks",
        _02_dry_run="import os, sys, json\n"
        "print(json.dumps([sys.executable, os.getcwd(), run_id, rehearse, approved_by]))",
    )
    folder = tmp_path / "run-1"
    folder.mkdir()
    events: list[Event] = []
    done = runner.run_notebooks(
        folder,
        until="dry-run",
        parameters={"rehearse": "yes", "approved_by": 'Ada "A" Reviewer'},
        notebooks=place,
        emit=events.append,
    )
    told = json.loads(printed(folder / "02_dry_run.ipynb"))
    assert told == [sys.executable, str(tmp_path), "run-1", True, 'Ada "A" Reviewer']
    assert (done.exit_code, done.verdict) == (0, "")
    assert [path.stem for path in done.executed] == ["01_assess", "02_dry_run"]
    assert {path.name for path in folder.glob("*.html")} == {"01_assess.html", "02_dry_run.html", "index.html"}
    assert [event.name for event in events] == ["01_assess", "01_assess", "02_dry_run", "02_dry_run"]


def test_a_no_go_ends_it_after_the_dry_run_with_exit_code_3_and_its_reasons(tmp_path: Path) -> None:
    decision = {"verdict": "NO_GO", "reasons": ["7 rows have a blocker"]}
    folder = saved_run.write(tmp_path / "run-1", decision=decision, run=None, verification=None)
    done = runner.run_notebooks(folder, notebooks=notebooks(tmp_path / "notebooks"))
    assert (done.exit_code, done.verdict, done.reasons) == (3, "NO_GO", ("7 rows have a blocker",))
    assert [path.stem for path in done.executed] == ["01_assess", "02_dry_run"]


def test_a_failed_verification_gives_exit_code_3_and_confirm_reaches_the_last_two_only(tmp_path: Path) -> None:
    checks = [{"check": "sum of amounts", "ok": False, "detail": "1 before, 2 after"}]
    folder = saved_run.write(tmp_path / "run-1", verification={"ok": False, "checks": checks})
    place = notebooks(tmp_path / "notebooks", _03_execute="print(confirm)", _04_verify="print(confirm)")
    done = runner.run_notebooks(folder, confirm="atomic_crm", notebooks=place)
    assert (done.exit_code, done.verdict, done.reasons) == (3, "wrong", ("sum of amounts: 1 before, 2 after",))
    assert [printed(folder / f"{name}.ipynb").strip() for name in ("03_execute", "04_verify")] == ["atomic_crm"] * 2


def test_a_night_that_was_run_by_command_is_looked_at_as_long_as_its_files_are_newer_than_the_look(
    tmp_path: Path,
) -> None:
    folder = saved_run.write(tmp_path / "run-1", verification=None)
    place = notebooks(tmp_path / "notebooks", _03_execute="print(run_id, repr(confirm))")
    seen: list[Event] = []
    runner.look(folder, notebooks=place, emit=seen.append)
    runner.look(folder, notebooks=place, emit=seen.append)
    assert [event.name for event in seen] == ["03_execute", "03_execute"]  # begun and done, once
    assert printed(folder / "03_execute.ipynb") == "run-1 ''\n"
    os.utime(folder / "run.json", (later := time.time() + 1, later))
    runner.look(folder, notebooks=place, emit=seen.append)
    assert len(seen) == 4


def test_an_error_of_ours_in_a_cell_reaches_the_caller_with_hint_and_exit_code_and_leaves_a_page(
    tmp_path: Path,
) -> None:
    code = "from crm_migrate.errors import Refused\nraise Refused('the gate is closed', hint='Decide first.')"
    folder = tmp_path / "run-1"
    folder.mkdir()
    with pytest.raises(runner.NotebookFailed, match="01_assess stopped: the gate is closed") as failed:
        runner.run_notebooks(folder, notebooks=notebooks(tmp_path / "notebooks", _01_assess=code))
    assert failed.value.exit_code == 4
    assert "❌ **Stopped** 01_assess stopped: the gate is closed" in (folder / "summary.md").read_text(encoding="utf-8")
    assert failed.value.hint.startswith("Decide first. The page")
    page = (folder / "01_assess.html").read_text(encoding="utf-8")
    assert "What to do: Decide first." in page
    assert "Traceback" not in page
    assert "An Exception was encountered" not in page
    assert (folder / "index.html").is_file()


def test_an_unforeseen_error_in_a_cell_ends_with_exit_code_1_and_keeps_its_text_out_of_the_message(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "run-1"
    folder.mkdir()
    place = notebooks(tmp_path / "notebooks", _01_assess="raise KeyError('ann@' + 'example.com')")
    with pytest.raises(runner.NotebookFailed, match="KeyError, which nobody foresaw") as failed:
        runner.run_notebooks(folder, notebooks=place)
    assert failed.value.exit_code == 1
    assert "ann@example.com" not in str(failed.value) + failed.value.hint
    assert "ann@example.com" not in (folder / "01_assess.html").read_text(encoding="utf-8")
