"""The pages of a run: one a notebook, an index that ties them together, and a list of all runs (F1).

Each page is one file that opens from disk, offline: plotly.js is written into it once, a content security policy allows
no request and no script but the page's own. Pages are made from the run's folder and can be made again at any time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
from markupsafe import Markup
from nbconvert.exporters import HTMLExporter
from traitlets.config import Config

from crm_migrate import catalog, certificate
from crm_migrate.errors import DamagedFile, NoSuchRun
from crm_migrate.report import look, render, saved, views
from crm_migrate.report.parts import Badge, Card, View
from crm_migrate.report.render import Link
from crm_migrate.report.saved import Saved
from crm_migrate.report.views import certificate as certificate_view
from crm_migrate.report.views import dictionary

NOTEBOOKS: Mapping[str, tuple[str, ...]] = {
    "01_assess": ("assessment",),
    "02_dry_run": ("decision", "simulation", "rehearsal"),
    "03_execute": ("run",),
    "04_verify": ("verification",),
}
"""The notebooks in order, and whose verdict stands on top of each one's page; the first says it."""

_TITLES = {
    "index": "Overview",
    "01_assess": "1 Assess",
    "02_dry_run": "2 Dry run",
    "03_execute": "3 Execute",
    "04_verify": "4 Verify",
    "dictionary": "Data dictionary",
}
_COMPARED = ("03_execute", "04_verify")  # pages that set forecast beside fact
_PLOTLY = "application/vnd.plotly.v1+json"
_STYLE = re.compile(r"<(style|script) data-crm>.*?</\1>", re.DOTALL)
_OFFLINE = "This page loads nothing from any network. It is made from the files of this run."
_FILES = {
    "assessment.json": "every check with its number of failing rows",
    "findings.parquet": "every failing row, by check and key",
    "profile.json": "every column: filled, different, longest, most frequent, of which shape; names are masked",
    "simulation.json": "predicted rows by model, estimate",
    "rejects.parquet": "rows the target would refuse, by key and reason",
    "rehearsal.json": "what each step took on a copy, and whether it held there and back",
    "decision.json": "the verdict, its reasons, and what it is bound to",
    "run.json": "phases and steps of the execution",
    "events.jsonl": "what happened, line by line",
    "verification.json": "checks after the migration, prediction against outcome",
    "dictionary.json": "what every table and column is, and where it came from",
}


def notebook_html(executed: Path) -> Path:
    """Write the page of an executed notebook beside it.

    Verdict and figures on top come from the JSON of its stage. A notebook that stopped gives a page that says where and
    why, without a traceback.

    Returns:
        The page, `<name of the notebook>.html` in the same folder.

    Raises:
        DamagedFile: a stage's file is not what this version saves.
    """
    with saved.reading(executed.parent):
        return _notebook_html(executed)


def _notebook_html(executed: Path) -> Path:
    notebook = nbformat.read(executed, as_version=4)
    run = saved.load(executed.parent)
    cells = [cell for cell in notebook.cells if "papermill-error-cell-tag" not in cell.metadata.get("tags", [])]
    heading, cells = _without_heading(cells, executed.stem)
    stages = [name for name in NOTEBOOKS.get(executed.stem, ()) if run.stage(name)]
    on_top = [views.of(name, run.stage(name)) for name in stages]
    if on_top and executed.stem in _COMPARED:
        compared = views.forecast(run.stage("simulation"), run.stage("run"))
        on_top[-1] = replace(on_top[-1], tables=(*on_top[-1].tables, *compared))
    body, _ = _exporter(on_top).from_notebook_node(nbformat.from_dict({**notebook, "cells": cells}))
    page = render.page(
        "notebook.html",
        heading=heading,
        where=f"run {run.run_id}",
        links=_links(executed.parent, executed.stem),
        foot=(_OFFLINE, f"Written {_now()}. The notebook behind it: {executed.name}"),
        charts='class="plot"' in body,
        filters="<table data-filter=" in body,
        failure=_failure_of(cells),
        views=on_top,
        cells=Markup(body),  # noqa: S704  nbconvert's output through our template, which escapes
    )
    return _write(executed.with_suffix(".html"), page)


def write(run_folder: Path) -> Path:
    """Write all pages of a run: those of its executed notebooks, its index, and the list of runs above it.

    Returns:
        The run's `index.html`.

    Raises:
        NoSuchRun: there is no such folder.
        DamagedFile: a stage's file is not what this version saves.
    """
    if not run_folder.is_dir():
        raise NoSuchRun(f"there is no run {run_folder.name}", hint="`crm-migrate status` lists what there is.")
    with saved.reading(run_folder):
        index = _write_all(run_folder)
    write_runs(run_folder.parent)
    return index


def _write_all(run_folder: Path) -> Path:
    run = saved.load(run_folder)
    if run.stage("dictionary"):
        _write_dictionary(run)
    for name in NOTEBOOKS:
        if (run_folder / f"{name}.ipynb").is_file():
            notebook_html(run_folder / f"{name}.ipynb")
    page = render.page(
        "index.html",
        heading="Migration of the CRM",
        where=f"run {run.run_id}",
        links=[*_links(run_folder, "index"), Link("../index.html", "All runs")],
        foot=(_OFFLINE, f"Written {_now()}."),
        summary=replace(_summary(run), cards=_cards(run)),
        timeline=_timeline(run),
        tables=views.forecast(run.stage("simulation"), run.stage("run")),
        certificate=_certificate(run_folder.parent),
        files=[
            {"href": path.name, "name": path.name, "what": what, "size": look.size(path.stat().st_size)}
            for name, what in _FILES.items()
            if (path := run_folder / name).is_file()
        ],
    )
    return _write(run_folder / "index.html", page)


def _certificate(reports: Path) -> View | None:
    """What the kill certificate says, where one was made."""
    found = certificate.load(reports)
    if found is None:
        return None
    program = certificate.program_fingerprint()
    return certificate_view.certificate(found, sql=catalog.load().fingerprint, program=program)


def _write_dictionary(run: Saved) -> Path:
    """Write `dictionary.html`: what the migrated database holds, and where it came from."""
    document = run.stage("dictionary")
    page = render.page(
        "dictionary.html",
        heading="Data dictionary",
        where=f"run {run.run_id}",
        links=_links(run.folder, "dictionary"),
        foot=(
            _OFFLINE,
            f"Written {_now()}. It describes the database as it was {_saved_at(run.folder / 'dictionary.json')}.",
        ),
        view=views.of("dictionary", document),
        sections=dictionary.sections(document),
        legend=dictionary.LEGEND,
    )
    return _write(run.folder / "dictionary.html", page)


def write_runs(reports: Path) -> Path:
    """Write the list of all runs, `index.html` in the folder of reports; a damaged run is said to be one."""
    folders = sorted((path.parent for path in reports.glob("*/index.html")), key=lambda path: path.name, reverse=True)
    runs = []
    for folder in folders:
        try:
            with saved.reading(folder):
                facts = _facts(saved.load(folder))
        except DamagedFile as error:
            facts = {"view": View("Damaged", Badge("damaged", "bad"), f"{error}."), "taken_at": "–", "approved_by": "–"}
        runs.append({"href": f"{folder.name}/index.html", "name": folder.name, **facts})
    page = render.page(
        "runs.html", heading="Migrations of the CRM", where="all runs", foot=(_OFFLINE, f"Written {_now()}."), runs=runs
    )
    return _write(reports / "index.html", page)


def _facts(run: Saved) -> dict[str, Any]:
    """A run's line in the list."""
    return {
        "view": _summary(run),
        "taken_at": views.clock((run.stage("assessment").get("snapshot") or {}).get("taken_at")),
        "approved_by": run.stage("decision").get("approved_by") or "–",
    }


def failure(ename: str, evalue: str, traceback: Sequence[str], *, where: str) -> View:
    """What a stopped cell says to people: its message and hint where the error is ours, else only its kind.

    Args:
        traceback: as the notebook keeps it; of our own errors it holds the message and the hint, and nothing else.
        where: which cell, in words.
    """
    hints = [line for line in traceback if line.startswith("What to do: ")]
    if hints or (traceback and len(traceback) == 1 and traceback[0] == f"{ename}: {evalue}"):
        return View("Stopped", Badge("stopped", "bad"), f"This notebook stopped in {where}: {evalue}", tuple(hints))
    return View(
        "Stopped",
        Badge("stopped", "bad"),
        f"This notebook stopped in {where}, for a reason nobody foresaw ({ename}).",
        ("What to do: give the executed notebook beside this page to an engineer; it holds the details.",),
    )


def _failure_of(cells: Sequence[Any]) -> View | None:
    for cell in cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                first = (cell.source.strip().splitlines() or [""])[0]
                where = f"cell {cell.execution_count or '–'} ({first})"
                return failure(output.ename, output.evalue, output.traceback, where=where)
    return None


def _without_heading(cells: list[Any], name: str) -> tuple[str, list[Any]]:
    """The first heading of a notebook, and its cells without it: the page shows it above the verdict."""
    if cells and cells[0].cell_type == "markdown" and (match := re.match(r"# (.+)\n?", cells[0].source)):
        rest = {**cells[0], "source": cells[0].source[match.end() :].lstrip()}
        return match[1].strip(), [nbformat.from_dict(rest), *cells[1:]]
    return name, cells


def _exporter(on_top: Sequence[View]) -> HTMLExporter:
    """Cells to HTML; a fragment of ours leaves out its style, script, and the verdict that the page shows on top."""
    titles = "|".join(re.escape(view.title) for view in on_top)
    said_before = re.compile(f"<!--head ({titles or '(?!)'})-->.*?<!--/head-->", re.DOTALL)

    def own(text: str) -> str:
        return said_before.sub("", _STYLE.sub("", text))

    return HTMLExporter(
        config=Config(NbConvertBase={"display_data_priority": [_PLOTLY, "text/html", "text/markdown", "text/plain"]}),
        template_name="cells",
        extra_template_basedirs=[str(render.TEMPLATES)],
        exclude_anchor_links=True,
        filters={"chart": render.chart, "own": own, "failure": _cell_failure},
    )


def _cell_failure(output: Any) -> Markup:
    return render.failure(failure(output.ename, output.evalue, output.traceback, where="this cell"))


def _links(folder: Path, here: str) -> list[Link]:
    return [
        Link(f"{name}.html", title, here=name == here)
        for name, title in _TITLES.items()
        if name in ("index", here) or (folder / f"{name}.html").is_file()
    ]


def _summary(run: Saved) -> View:
    """The view of the last stage that has something to say."""
    rolled_back = run.stage("run").get("status") == "rolled_back"
    order = ("run",) if rolled_back else ("verification", "run", "decision", "simulation", "assessment")
    for name in order:
        if run.stage(name):
            return views.of(name, run.stage(name))
    return views.of("assessment", {})


def _cards(run: Saved) -> tuple[Card, ...]:
    """Three to six figures of the whole run: what was checked, decided, made, found."""
    chosen = {
        "assessment": ("records checked", "warning ratio"),
        "simulation": ("new rows",),
        "decision": ("approved by",),
        "run": ("time",),
        "verification": ("rows that differ",),
    }
    return tuple(
        card
        for stage, labels in chosen.items()
        if run.stage(stage)
        for card in views.of(stage, run.stage(stage)).cards
        if card.label in labels
    )


def _timeline(run: Saved) -> list[dict[str, Any]]:
    snapshot = run.stage("assessment").get("snapshot") or {}
    entries: list[dict[str, Any]] = []
    if snapshot:
        taken = views.of("snapshot", snapshot)
        entries.append({"view": taken, "at": views.clock(snapshot.get("taken_at")), "page": None, "page_text": ""})
    pages = {stage: name for name, stages in NOTEBOOKS.items() for stage in stages}
    for stage in ("assessment", "simulation", "decision", "run", "verification"):
        page = f"{pages[stage]}.html"
        entries.append(
            {
                "view": views.of(stage, run.stage(stage)),
                "at": _saved_at(run.folder / f"{stage}.json"),
                "page": page if (run.folder / page).is_file() else None,
                "page_text": f"More: {_TITLES[pages[stage]]}",
            }
        )
    return entries


def _saved_at(path: Path) -> str:
    if not path.is_file():
        return ""
    return f"{datetime.fromtimestamp(path.stat().st_mtime, UTC):%Y-%m-%d %H:%M} UTC"


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


def _write(path: Path, text: str) -> Path:
    """Put a page in place as a whole: a reader sees the old one or the new one."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
    return path
