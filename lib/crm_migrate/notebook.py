"""What the notebooks call to show things: a stage as verdict, figures and tables; a chart; progress while work goes on.

Everything shown is plain HTML or a Plotly figure, kept in the notebook: it reads the same in JupyterLab, after a
headless run, and on a page without a kernel.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, is_dataclass
from typing import Any, Literal, Protocol

import plotly.graph_objects as go
import plotly.io
from IPython import get_ipython
from IPython.display import HTML, display

from crm_migrate import runs, workflow
from crm_migrate.assess import Assessment
from crm_migrate.errors import NoSuchRun
from crm_migrate.events import Event, Sink
from crm_migrate.execute import Run
from crm_migrate.gate import Decision
from crm_migrate.monitor import Sight
from crm_migrate.plan import Plan
from crm_migrate.report import look, render, saved, views
from crm_migrate.report.parts import Badge, Card, Line, Table, View
from crm_migrate.report.saved import Saved
from crm_migrate.simulate import Simulation
from crm_migrate.snapshot import Snapshot
from crm_migrate.verify import Verification
from crm_migrate.workflow import Status

plotly.io.renderers.default = "plotly_mimetype"  # JupyterLab draws it; without it each figure brings plotly.js along
plotly.io.renderers["plotly_mimetype"].config = look.QUIET

Stage = Snapshot | Assessment | Simulation | Decision | Plan | Run | Verification | Status
_STAGES: dict[type, str] = {
    Assessment: "assessment",
    Simulation: "simulation",
    Decision: "decision",
    Run: "run",
    Verification: "verification",
}
_LOOK_SECONDS = 1.0  # between two looks at a run that is followed
_BETWEEN = 0.25  # seconds between two pictures of the same line of progress
_TROUBLE = ("reject", "retry", "note", "warning", "error")


class Handle(Protocol):
    """What can be shown again in place; IPython's DisplayHandle is one."""

    def update(self, shown: object) -> None:
        """Show `shown` in place of what was there."""


def show(stage: Stage | None) -> None:
    """Show a stage: its verdict, its figures, its tables; None is a stage that has not been reached."""
    _show(_view(stage))


def _show(view: View) -> None:
    if _in_kernel():
        display(HTML(render.fragment(view)))
        return
    print(f"{view.title}: {view.badge.word}. {view.sentence}")
    for reason in view.reasons:
        print(f"  {reason}")


def watch(run_id: str = runs.LATEST, *, follow: bool = False) -> None:
    """Show a run as it is, whoever drives it: a kernel that was restarted, or another one, sees the same.

    Args:
        follow: keep the picture up to date until the run ends or stops; interrupting the kernel ends only that.
    """
    try:
        found = workflow.monitor(run_id)
    except NoSuchRun:
        show(None)
        return
    if not _in_kernel():
        _show(_seen(found))
        return
    handle = display(HTML(render.fragment(_seen(found))), display_id=True)
    with suppress(KeyboardInterrupt):
        while follow and found.status == "running":
            time.sleep(_LOOK_SECONDS)
            found = workflow.monitor(found.run_id)
            handle.update(HTML(render.fragment(_seen(found))))


def _seen(found: Sight) -> View:
    return views.of("sight", asdict(found))


def table(
    name: Literal["checks", "columns", "completeness"],
    run_id: str = runs.LATEST,
) -> None:
    """Show everything there is, one by one, in a table with a search box and choices, from the files of a run.

    Args:
        name: every check, every column, or how far each is filled.
        run_id: `new` is taken for the latest, which the cell above began.
    """
    folder = workflow.run_folder(runs.LATEST if run_id == runs.NEW else run_id)
    with saved.reading(folder):
        run = saved.load(folder)
        match name:
            case "checks":
                _show(views.of("checks", run.stage("assessment")))
            case "columns":
                _show(views.of("profile", run.stage("profile")))
            case "completeness":
                rows = (run.stage("assessment").get("snapshot") or {}).get("rows")
                _show(views.of("completeness", {**run.stage("profile"), "rows": rows}))


def figure(chart: Callable[[Saved], go.Figure], run_id: str = runs.LATEST) -> go.Figure:
    """A chart of `crm_migrate.report.figures`, from the files of a run; as a cell's last line it is drawn.

    Args:
        run_id: `new` is taken for the latest, which the cell above began.
    """
    folder = workflow.run_folder(runs.LATEST if run_id == runs.NEW else run_id)
    with saved.reading(folder):
        return chart(saved.load(folder))


def progress() -> Sink:
    """A sink that shows work while it goes on: one line a stage, phase or load, kept up to date, and every trouble.

    What it showed last stays in the notebook. Without a kernel it prints the lines that are no mere progress.
    """
    lines: dict[str, Line] = {}
    handle: Handle | None = None
    shown_at = 0.0

    def take(event: Event, /) -> None:
        nonlocal handle, shown_at
        if not _in_kernel():
            if event.kind != "progress":
                print(f"{event.name}: {event.message}")
            return
        if event.kind == "step":  # its phase has a line, and so has each load
            return
        key = f"{event.name} {len(lines)}" if event.kind in _TROUBLE else event.name
        lines[key] = _line(event)
        finished = event.kind != "progress" or event.rows_done == event.rows_total
        if not finished and time.monotonic() - shown_at < _BETWEEN:
            return
        shown_at = time.monotonic()
        picture = HTML(render.fragment(lines=list(lines.values())))
        if handle is None:
            handle = display(picture, display_id=True)
        else:
            handle.update(picture)

    return take


def _line(event: Event) -> Line:
    share = event.rows_done / event.rows_total if event.rows_done is not None and event.rows_total else None
    said = f"{event.rows_done:,} of {event.rows_total:,}" if share == 1 else event.message
    if event.seconds is not None:
        said += f" · {look.duration(event.seconds)}"
    if event.kind == "progress" and event.eta_seconds:
        said += f", {look.duration(event.eta_seconds)} left"
    return Line(look.phase_name(event.name), said, share)


def _view(stage: Stage | None) -> View:
    match stage:
        case None:
            return View("Not yet", Badge("not yet", "quiet"), "This stage of the run has not been reached.")
        case Snapshot():
            facts = {"taken_at": stage.taken_at, "server_version": stage.server_version, "rows": stage.rows}
            return views.of("snapshot", facts)
        case Plan():
            return _plan(stage)
        case Status():
            return _status(stage)
    assert is_dataclass(stage)
    return views.of(_STAGES[type(stage)], asdict(stage))


def _plan(plan: Plan) -> View:
    steps = list(plan.steps())
    oneway = [step for step in steps if step.irreversible]
    return View(
        "Plan",
        Badge("one way", "warn") if oneway else Badge("reversible", "good"),
        f"{len(steps)} steps in {len(plan.phases)} phases; "
        + (f"{look.plural(len(oneway), 'step')} cannot be taken back." if oneway else "each can be taken back."),
        reasons=tuple(f"{step.step.name}: {step.irreversible}" for step in oneway),
        cards=(
            Card("phases", f"{len(plan.phases)}"),
            Card("steps", f"{len(steps)}"),
            Card("loads", f"{sum(step.step.kind == 'load' for step in steps)}"),
        ),
        tables=(
            Table(
                "Phases",
                ("phase", "why", "steps"),
                tuple((look.phase_name(phase.name), phase.why, f"{len(phase.steps)}") for phase in plan.phases),
                numbers=frozenset({2}),
            ),
            Table(
                look.plural(len(steps), "step"),
                ("phase", "step", "why"),
                tuple((look.phase_name(step.phase), step.step.name, step.why) for step in steps),
                folded=True,
            ),
        ),
    )


def _status(status: Status) -> View:
    reached: dict[str, Any] = {
        "snapshot": status.snapshot,
        "assessment": status.assessment,
        "simulation": status.simulation,
        "decision": status.decision,
        "run": status.run,
        "verification": status.verification,
    }
    shown = [views.of(name, {}) if value is None else _view(value) for name, value in reached.items()]
    return View(
        "Where the run stands",
        Badge(status.stage.replace("_", " "), look.tone(status.stage)),
        f"Run {status.run_id} has been through {sum(value is not None for value in reached.values())} of 6 stages.",
        () if status.doubt is None else (status.doubt,),
        tables=(
            Table("Stages", ("stage", "state", "what it says"), tuple((v.title, v.badge, v.sentence) for v in shown)),
        ),
    )


def _in_kernel() -> bool:
    """Whether this runs in a notebook's kernel, and not in a script or a terminal."""
    return getattr(get_ipython(), "kernel", None) is not None
