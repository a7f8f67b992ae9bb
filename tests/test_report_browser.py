"""Pages in a real browser: they open from disk without an error, a warning or a request, and draw every chart."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import saved_run
from crm_migrate.report import figures, pages, render, saved, views

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose first notebook holds every chart there is."""
    folder = saved_run.write(tmp_path_factory.mktemp("reports") / "run-1")
    cells = [new_markdown_cell("# Every chart")]
    for name in figures.__all__:
        drawn = getattr(figures, name)(saved.load(folder))
        data = {"application/vnd.plotly.v1+json": drawn.to_plotly_json() | {"layout": drawn.layout.to_plotly_json()}}
        cells.append(new_code_cell(name, outputs=[new_output("display_data", data=data)]))
    nbformat.write(new_notebook(cells=cells), folder / "01_assess.ipynb")
    pages.write(folder)
    return folder


def opened(page: Path, profile: Path) -> tuple[str, list[str]]:
    """The page as the browser has it after its scripts ran, and every line of the browser's console."""
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is missing, and in CI the pages must be opened")
        pytest.skip("no Chromium on this machine")
    done = subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={profile}",
            "--enable-logging=stderr",
            "--virtual-time-budget=10000",
            "--window-size=1280,800",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout, re.findall(r".*CONSOLE.*", done.stderr)


def test_a_page_draws_every_chart_and_the_console_stays_empty(run: Path, tmp_path: Path) -> None:
    dom, console = opened(run / "01_assess.html", tmp_path)
    assert console == []  # a request, an error or a script that the policy stops would stand here
    assert dom.count('class="plot js-plotly-plot"') == len(figures.__all__)


def test_the_index_and_the_list_of_runs_open_with_an_empty_console(run: Path, tmp_path: Path) -> None:
    for page in (run / "index.html", run.parent / "index.html"):
        dom, console = opened(page, tmp_path)
        assert console == []
        assert "</footer>" in dom


def test_the_browser_would_tell_of_a_request_and_of_a_foreign_script(run: Path, tmp_path: Path) -> None:
    text = (run / "index.html").read_text(encoding="utf-8")
    foreign = '<img src="http://example.invalid/a.png" alt=""><script>document.title = "run"</script></main>'
    (tmp_path / "foreign.html").write_text(text.replace("</main>", foreign), encoding="utf-8")
    dom, console = opened(tmp_path / "foreign.html", tmp_path / "profile")
    assert len(console) == 2
    assert "<title>run</title>" not in dom


def test_a_reader_chooses_rows_of_a_long_table_without_an_error(tmp_path: Path) -> None:
    folder = saved_run.write(tmp_path / "run-2")
    html = render.fragment(views.of("checks", saved.load(folder).stage("assessment")))
    cells = [new_code_cell("checks", outputs=[new_output("display_data", data={"text/html": html})])]
    nbformat.write(new_notebook(cells=cells), folder / "01_assess.ipynb")
    pages.write(folder)
    dom, console = opened(folder / "01_assess.html", tmp_path / "profile")
    assert console == []
    assert dom.count('<div class="filters">') == 1
    assert '<option value="blocker">' in dom or '<option value="✕ blocker">' in dom
    assert ">4 of 4 rows</output>" in dom
