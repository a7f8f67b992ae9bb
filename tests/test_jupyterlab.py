"""The notebooks' parts in a real JupyterLab: they look as on a page, and answer to keyboard and mouse."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Page, expect

import saved_run
from browsers import SHOTS

CELLS = (
    "from crm_migrate import lab, notebook\nfrom crm_migrate.report import figures",
    'notebook.table("columns")',
    "notebook.figure(figures.warning_ratio)",
    "moved = lab.threshold()",
    "chosen = lab.findings()",
)
PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
WAIT = 120_000.0  # milliseconds after which a test that hangs fails


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """JupyterLab with a notebook of widgets about a saved run; it keeps nothing outside its own folder."""
    folder = tmp_path_factory.mktemp("lab")
    saved_run.write(folder / "reports" / "20261122T160000Z")
    written = new_notebook(cells=[new_code_cell(cell) for cell in CELLS], metadata=PYTHON)
    (folder / "notebooks").mkdir()
    nbformat.write(written, folder / "notebooks" / "widgets.ipynb")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    own = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    own_of_lab = ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")
    environment = os.environ | {name: str(folder / name.lower()) for name in (*own, *own_of_lab)}
    environment |= {"CRM_MIGRATE_REPORTS": str(folder / "reports"), "CRM_MIGRATE_WORKSPACE": str(folder / "bench")}
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"),
            *("--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"),
            *("--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", str(folder / "notebooks")),
        ],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr is not None
        assert any("is running at" in line for line in server.stderr), "JupyterLab did not start"
        yield f"http://127.0.0.1:{port}/lab/tree/widgets.ipynb?token={token}"
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(30)
        server.kill()
        server.wait()
        server.stderr.close()


@pytest.fixture(scope="module")
def lab(browser: Browser, address: str) -> Iterator[Page]:
    """The notebook after "Run All Cells"; whatever the browser says of an error fails the tests."""
    page = browser.new_page(viewport={"width": 1280, "height": 3_000})
    page.set_default_timeout(WAIT)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(address)
    page.get_by_text("| Idle").wait_for()
    page.locator(".lm-MenuBar-itemLabel", has_text="Run").click()
    page.locator(".lm-Menu-itemLabel").get_by_text("Run All Cells", exact=True).click()
    page.get_by_text("findings in all").wait_for()
    yield page
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / "jupyterlab.png")
    page.close()
    assert said == []


def test_a_table_looks_as_it_does_on_a_page(lab: Page) -> None:
    table = lab.locator(".crm table[data-filter]").first
    expect(table.locator("th").first).to_have_css("text-align", "left")
    expect(table.locator("td.number").first).to_have_css("text-align", "right")
    expect(table).to_have_css("table-layout", "auto")
    backgrounds = table.locator("tbody tr").evaluate_all(
        "rows => rows.map(row => getComputedStyle(row).backgroundColor)"
    )
    assert set(backgrounds) == {"rgba(0, 0, 0, 0)"}


def test_no_chart_has_a_button_that_would_send_it_anywhere(lab: Page) -> None:
    expect(lab.locator(".js-plotly-plot")).to_have_count(2)
    expect(lab.locator(".modebar-btn")).to_have_count(0)


def test_the_line_of_the_warnings_moves_by_keyboard_and_the_verdict_with_it(lab: Page) -> None:
    verdict = lab.get_by_text("would be")
    expect(verdict.first).to_contain_text("would be GO")
    handle = lab.locator(".noUi-handle").first
    handle.focus()
    for _press in range(12):
        handle.press("ArrowLeft")
    expect(verdict.first).to_contain_text("would be NO-GO")


def test_a_click_on_a_bar_shows_the_rows_behind_it(lab: Page) -> None:
    table, severity, _check = lab.locator(".widget-dropdown select").all()
    bar = lab.locator(".jupyter-widgets .barlayer .point path").first.bounding_box()  # Plotly's own layer lies above it
    assert bar is not None
    lab.mouse.click(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    expect(table).not_to_have_value("all")
    expect(severity).not_to_have_value("all")
    expect(lab.get_by_text("1 finding in all")).to_be_visible()


def test_a_choice_shows_only_its_rows(lab: Page) -> None:
    table, severity, _check = lab.locator(".widget-dropdown select").all()
    severity.select_option("all")
    table.select_option("contacts")
    expect(lab.get_by_text("q…@…")).to_be_visible()
