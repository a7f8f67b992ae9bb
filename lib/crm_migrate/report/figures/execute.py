"""Charts of the execution: how far is it, and where did the time go?"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

import plotly.graph_objects as go

from crm_migrate.report import look
from crm_migrate.report.figures.base import add_bars, bars_high, figure, label, nothing, room_for_labels, text
from crm_migrate.report.saved import Saved, items

_NONE_YET = ("Nothing has been executed yet", "03_execute with confirm does it.")
_NONE_NOW = ("The migration was taken back", "What it did, step by step, is in events.jsonl.")


def duration_by_phase(saved: Saved) -> go.Figure:
    """Seconds a phase took, beside what was forecast."""
    phases = items(saved.stage("run").get("phases"))
    if not any(phase.get("seconds") for phase in phases):
        return _without_rows(saved)
    seconds = [float(phase.get("seconds") or 0.0) for phase in phases]
    expected: Mapping[str, float] = (saved.stage("simulation").get("estimate") or {}).get("phases") or {}
    forecast = [float(expected.get(phase["phase"], 0.0)) for phase in phases]
    longest = max(range(len(phases)), key=seconds.__getitem__)
    labels = [label(look.phase_name(phase["phase"])) for phase in phases]
    said = [
        "not begun"
        if phase["status"] == "pending"
        else look.duration(took) + ("" if phase["status"] == "completed" else f", {text(phase['status'])}")
        for phase, took in zip(phases, seconds, strict=True)
    ]
    drawn = figure(
        f"{look.duration(sum(seconds))} {'in all' if _completed(saved) else 'so far'}"
        + (f", forecast {look.duration(sum(forecast))}{'' if _completed(saved) else ' in all'}" if expected else "")
        + f"; {text(look.phase_name(phases[longest]['phase']))} took the longest",
        subtitle="seconds by phase · source: run.json" + (", simulation.json" if expected else ""),
        alt="Bar chart of durations: "
        + ", ".join(
            f"{look.phase_name(phase['phase'])} {took}" + (f", forecast {look.duration(before)}" if expected else "")
            for phase, took, before in zip(phases, said, forecast, strict=True)
        ),
        height=bars_high(len(phases) * (2 if expected else 1)),
    )
    if expected:
        add_bars(
            drawn, labels, forecast, color=look.GREY, said=[look.duration(value) for value in forecast], name="forecast"
        )
    colors = [look.TONES[look.tone(phase["status"])] for phase in phases]
    add_bars(drawn, labels, seconds, color=colors, said=said, name="fact" if expected else "")
    room_for_labels(drawn, max(*seconds, *forecast) * 1.15)
    drawn.update_xaxes(title_text="seconds", tickformat=None, dtick=None)
    return drawn


def rows_by_step(saved: Saved) -> go.Figure:
    """Source rows done of source rows to do, load by load."""
    steps = [
        step
        for step in items(saved.stage("run").get("steps"))
        if step["step"].startswith("load:") and step.get("rows_total")
    ]
    if not steps:
        return _without_rows(saved)
    if not _completed(saved):
        steps = [*steps, *_not_begun(saved, {step["step"] for step in steps})]
    done = [int(step.get("rows_done") or 0) for step in steps]
    totals = [int(step["rows_total"]) for step in steps]
    drawn = figure(
        f"{sum(done):,} of {sum(totals):,} source rows are through",
        subtitle="source rows done (colour) and to do (grey) by load · source: run.json, simulation.json",
        alt="Bar chart of rows: "
        + ", ".join(f"{s['step']} {d:,} of {t:,}" for s, d, t in zip(steps, done, totals, strict=True)),
        height=bars_high(len(steps)),
    )
    labels = [label(step["step"].removeprefix("load:")) for step in steps]
    colors = [look.TONES[look.tone(step["status"])] for step in steps]
    add_bars(drawn, labels, totals, color="#8a94a344", said=[""] * len(steps))
    written = [f"{d:,}" if d == t else f"{d:,} of {t:,}" for d, t in zip(done, totals, strict=True)]
    add_bars(drawn, labels, done, color=colors, said=written)
    drawn.update_layout(barmode="overlay")
    room_for_labels(drawn, max(totals))
    drawn.update_xaxes(title_text="source rows")
    return drawn


def _completed(saved: Saved) -> bool:
    return saved.stage("run").get("status") == "completed"


def _not_begun(saved: Saved, begun: Set[str]) -> list[dict[str, Any]]:
    """The loads still to come, of which run.json knows nothing yet, with the rows that the dry run read."""
    return [
        {"step": f"load:{model['model']}", "status": "pending", "rows_total": model["source_rows"]}
        for model in items(saved.stage("simulation").get("models"))
        if f"load:{model['model']}" not in begun and model["source_rows"]
    ]


def _without_rows(saved: Saved) -> go.Figure:
    return nothing(*(_NONE_NOW if saved.stage("run").get("status") == "rolled_back" else _NONE_YET))
