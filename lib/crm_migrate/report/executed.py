"""The page of an executed notebook: verdict, figures and charts for a stakeholder; tables folded away, no code.

The notebook behind it holds the code, and is linked. A notebook that stopped gives a page that says where and why.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbformat
from markupsafe import Markup
from nbconvert.exporters import HTMLExporter
from traitlets.config import Config

from crm_migrate.report import frame, render, saved, views
from crm_migrate.report.parts import Badge, Card, View
from crm_migrate.report.saved import Saved
from crm_migrate.report.views.execute import taken_back

NOTEBOOKS: Mapping[str, tuple[str, ...]] = {
    "01_assess": ("assessment",),
    "02_dry_run": ("decision", "simulation", "rehearsal"),
    "03_execute": ("run",),
    "04_verify": ("verification",),
}
"""The notebooks in order, and whose verdict stands on top of each one's page; the first says it."""

_FIGURES: Mapping[str, tuple[tuple[str, str], ...]] = {  # of which stage, and which of its figures
    "02_dry_run": (
        ("decision", "approved by"),
        ("simulation", "new rows"),
        ("simulation", "rejects"),
        ("simulation", "time needed"),
        ("simulation", "database grows by"),
        ("decision", "holds until"),
    ),
}
_COMPARED = ("03_execute", "04_verify")  # pages that set forecast beside fact
_PLOTLY = "application/vnd.plotly.v1+json"
_STYLE = re.compile(r"<(style|script) data-crm>.*?</\1>", re.DOTALL)
_OPEN = '<details class="fold" open data-crm>'
_PICTURES = ('class="plot"', 'class="chart heat"', 'class="sides"')
_ASKED = "show_personal_data"


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
    stages = NOTEBOOKS.get(executed.stem, ())
    if taken_back(run.stage("run")) and "verification" in stages:
        stages = ("run", *stages)  # what was verified is there no more
    on_top = [views.of(name, run.stage(name)) for name in stages if run.stage(name)]
    compared = views.forecast(run.stage("simulation"), run.stage("run")) if executed.stem in _COMPARED else []
    sections = _sections(notebook, cells, _exporter(on_top))
    parameters = _parameters(notebook.cells)
    figures = _figures(run, executed.stem, on_top)
    page = render.page(
        "notebook.html",
        heading=heading,
        where=f"run {run.run_id}",
        links=frame.links(executed.parent, executed.stem),
        foot=(frame.OFFLINE, f"Written {frame.now()}."),
        charts=any('class="plot"' in section.body for section in sections),
        personal=render.SHOWN if parameters.get(_ASKED) else render.MASKED,
        notebook=executed.name,
        failure=_failure_of(cells),
        views=[on_top[0], *(_without(view, figures) for view in on_top[1:])] if on_top else [],
        figures=figures,
        compared=compared,
        parameters=[(name, repr(value)) for name, value in parameters.items() if value != ""],
        sections=[section for section in sections if not section.folds],
        details=[section for section in sections if section.folds],
    )
    return frame.put(executed.with_suffix(".html"), page)


@dataclass(frozen=True, slots=True)
class _Section:
    """The cells under one heading; `folds` where they are detail."""

    title: str
    body: Markup
    folds: bool


def _sections(notebook: Any, cells: Sequence[Any], exporter: HTMLExporter) -> list[_Section]:
    """The cells from heading to heading; what has outputs and holds neither a picture nor a failure is detail."""
    groups: list[tuple[str, list[Any]]] = [("", [])]
    for cell in cells:
        match = re.match(r"## (.+)\n*", cell.source) if cell.cell_type == "markdown" else None
        if match is None:
            groups[-1][1].append(cell)
        else:
            groups.append((match[1], [nbformat.from_dict({**cell, "source": cell.source[match.end() :]})]))
    return [_section(notebook, title, group, exporter) for title, group in groups if group and not _unreached(group)]


def _unreached(cells: Sequence[Any]) -> bool:
    """Whether a section's code left nothing behind: it was not run, or has nothing to show."""
    code = [cell for cell in cells if cell.cell_type == "code"]
    about = any("about" in cell.metadata.get("tags", []) for cell in cells)
    return bool(code) and not about and not any(cell.get("outputs") for cell in code)


def _section(notebook: Any, title: str, cells: Sequence[Any], exporter: HTMLExporter) -> _Section:
    body, _ = exporter.from_notebook_node(nbformat.from_dict({**notebook, "cells": cells}))
    outputs = [output.output_type for cell in cells for output in cell.get("outputs", ())]
    shown = not outputs or "error" in outputs or any(mark in body for mark in _PICTURES)
    body = body.replace(_OPEN, '<details class="fold">' if shown else '<details class="fold" open>')
    return _Section(title, Markup(body), not shown)  # noqa: S704  nbconvert's output through our template


def _figures(run: Saved, name: str, on_top: Sequence[View]) -> tuple[Card, ...]:
    """Three to six figures of a page: those chosen for it, or else all that its stage has."""
    if name not in _FIGURES:
        return on_top[0].cards if on_top else ()
    chosen = _FIGURES[name]
    cards = {
        (stage, card.label): card
        for stage in NOTEBOOKS[name]
        if run.stage(stage)
        for card in views.of(stage, run.stage(stage)).cards
    }
    return tuple(cards[key] for key in chosen if key in cards)


def _without(view: View, figures: Sequence[Card]) -> View:
    """A view without the figures that stand on top of the page already."""
    labels = {card.label for card in figures}
    return replace(view, cards=tuple(card for card in view.cards if card.label not in labels))


def _parameters(cells: Sequence[Any]) -> dict[str, Any]:
    """What a notebook was run with: its defaults, and over them what papermill was given."""
    found: dict[str, Any] = {}
    for tag in ("parameters", "injected-parameters"):
        for cell in cells:
            if tag in cell.metadata.get("tags", []):
                for line in ast.parse(cell.source).body:
                    if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
                        found[line.targets[0].id] = ast.literal_eval(line.value)
    return found


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
    heading = ""
    for cell in cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            heading = cell.source.splitlines()[0].removeprefix("## ")
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                under = f" under “{heading}”" if heading else ""
                where = f"cell {cell.execution_count or '–'}{under}"
                return failure(output.ename, output.evalue, output.traceback, where=where)
    return None


def _without_heading(cells: list[Any], name: str) -> tuple[str, list[Any]]:
    """The first heading of a notebook, and its cells without it: the page shows it above the verdict."""
    if cells and cells[0].cell_type == "markdown" and (match := re.match(r"# (.+)\n?", cells[0].source)):
        source = cells[0].source[match.end() :].lstrip()
        rest = {**cells[0], "source": source, "metadata": {"tags": ["about"] if source else ["remove"]}}
        return match[1].strip(), [nbformat.from_dict(rest), *cells[1:]]
    return name, cells


def _exporter(on_top: Sequence[View]) -> HTMLExporter:
    """Cells to HTML; a fragment leaves out its style, its script, and what the page shows on top; its tables fold."""
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


def _cell_failure(_output: Any) -> Markup:
    return render.failure(View("Stopped", Badge("stopped here", "bad"), "The reason stands on top of this page."))
