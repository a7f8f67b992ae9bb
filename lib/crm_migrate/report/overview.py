"""The pages of a run: one a notebook, an index that ties them together, and a list of all runs (F1).

Each page is one file that opens from disk, offline: plotly.js is written into it once, a content security policy allows
no request and no script but the page's own. Pages are made from the run's folder and can be made again at any time.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from crm_migrate import catalog, certificate
from crm_migrate.errors import DamagedFile
from crm_migrate.report import frame, look, render, saved, views
from crm_migrate.report.executed import NOTEBOOKS, notebook_html
from crm_migrate.report.parts import Badge, Card, View
from crm_migrate.report.render import Link
from crm_migrate.report.saved import Saved
from crm_migrate.report.views import certificate as certificate_view
from crm_migrate.report.views import dictionary
from crm_migrate.report.views.execute import taken_back

__all__ = ["NOTEBOOKS", "notebook_html", "write", "write_runs"]

_FILES = {
    "assessment.json": "every check with its number of failing rows",
    "findings.parquet": "every failing row, by check and key",
    "profile.json": "every column: filled, different, longest, most frequent, of which shape; names are masked",
    "simulation.json": "predicted rows by model, estimate",
    "rejects.parquet": "rows the target would refuse, by key and reason",
    "rehearsal.json": "what each step took on a copy, and whether it held there and back",
    "decision.json": "the verdict, its reasons, and what it is bound to",
    "run.json": "phases and steps of the execution",
    "resources.jsonl": "processor, memory and log of the night, a line a second",
    "events.jsonl": "what happened, line by line",
    "verification.json": "checks after the migration, prediction against outcome",
    "dictionary.json": "what every table and column is, and where it came from",
    "summary.md": "the run on one screen, for a CI job",
    "checks.xml": "the checks as JUnit XML",
    "usage.json": "who used the old names, by day, role and application",
}


def write(run_folder: Path) -> Path:
    """Write all pages of a run: those of its executed notebooks, its index, and the list of runs above it.

    Returns:
        The run's `index.html`.

    Raises:
        DamagedFile: a stage's file is not what this version saves.
    """
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
        links=[*frame.links(run_folder, "index"), Link("../index.html", "All runs")],
        foot=(frame.OFFLINE, f"Written {frame.now()}."),
        summary=replace(verdict(run), cards=_cards(run)),
        timeline=_timeline(run),
        tables=views.forecast(run.stage("simulation"), run.stage("run")),
        certificate=_certificate(run_folder.parent),
        usage=views.of("usage", run.stage("usage")) if run.stage("usage") else None,
        files=[
            {"href": path.name, "name": path.name, "what": what, "size": look.size(path.stat().st_size)}
            for name, what in (*_pages().items(), *_FILES.items())
            if (path := run_folder / name).is_file()
        ],
    )
    return frame.put(run_folder / "index.html", page)


def _pages() -> dict[str, str]:
    """Every page and notebook that a run may have, and what it is."""
    pages = {f"{name}.html": f"page {title}" for name, title in frame.TITLES.items() if name != "index"}
    return pages | {f"{name}.ipynb": f"the notebook behind {frame.TITLES[name]}, executed" for name in NOTEBOOKS}


def _certificate(reports: Path) -> View | None:
    """What the kill certificate says, where one was made."""
    found = certificate.load(reports)
    if found is None:
        return None
    program = certificate.program_fingerprint()
    return certificate_view.certificate(found, sql=catalog.load().fingerprint, program=program)


def _write_dictionary(run: Saved) -> Path:
    """Write `dictionary.html`: what the migrated database holds, and where it came from."""
    document, described = run.stage("dictionary"), frame.saved_at(run.folder / "dictionary.json")
    page = render.page(
        "dictionary.html",
        heading="Data dictionary",
        where=f"run {run.run_id}",
        links=frame.links(run.folder, "dictionary"),
        foot=(frame.OFFLINE, f"Written {frame.now()}. It describes the database as it was {described}."),
        view=views.of("dictionary", document),
        sections=dictionary.sections(document),
        legend=dictionary.LEGEND,
    )
    return frame.put(run.folder / "dictionary.html", page)


def write_runs(reports: Path) -> Path:
    """Write the list of all runs, `index.html` in the folder of reports; a damaged run is said to be one."""
    folders = sorted((path.parent for path in reports.glob("*/index.html")), key=lambda path: path.name, reverse=True)
    runs = []
    for folder in folders:
        try:
            with saved.reading(folder):
                facts = _facts(saved.load(folder))
        except DamagedFile as error:
            damaged = View("Damaged", Badge("damaged", "bad"), f"{error}.")
            facts = {"view": damaged, **dict.fromkeys(("taken_at", "approved_by", "records", "size"), "–")}
        runs.append({"href": f"{folder.name}/index.html", "name": folder.name, **facts})
    page = render.page(
        "runs.html",
        heading="Migrations of the CRM",
        where="all runs",
        foot=(f"{frame.NO_NETWORK} It is made from the files of all runs.", f"Written {frame.now()}."),
        runs=runs,
    )
    return frame.put(reports / "index.html", page)


def _facts(run: Saved) -> dict[str, Any]:
    """A run's line in the list."""
    return {
        "view": verdict(run),
        "taken_at": views.clock((run.stage("assessment").get("snapshot") or {}).get("taken_at")),
        "approved_by": run.stage("decision").get("approved_by") or "–",
        "records": f"{run.stage('assessment').get('records') or 0:,}",
        "size": look.size(sum(page.stat().st_size for page in run.folder.glob("*.html"))),
    }


def verdict(run: Saved) -> View:
    """The view of the stage that says how the run stands: the last one, unless a later command has gone beyond it."""
    executed, verified = run.stage("run"), run.stage("verification")
    unfinished = bool(executed) and executed.get("status") != "completed"
    gone_on = unfinished and (taken_back(executed) or bool(verified.get("ok")))
    order = ("run",) if gone_on else ("verification", "run", "decision", "simulation", "assessment")
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
                "at": frame.saved_at(run.folder / f"{stage}.json"),
                "page": page if (run.folder / page).is_file() else None,
                "page_text": f"More: {frame.TITLES[pages[stage]]}",
            }
        )
    return entries
