"""Charts of the execution: how far is it, how fast does it go, and where did the time go?"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import plotly.graph_objects as go

from crm_migrate.report import look
from crm_migrate.report.figures.base import add_bars, bars_high, figure, nothing, room_for_labels, text
from crm_migrate.report.saved import Facts, Saved, items, moment

_POINTS = 1_500
_NONE_YET = ("Nothing has been executed yet", "03_execute with confirm does it.")


def duration_by_phase(saved: Saved) -> go.Figure:
    """Seconds a phase took."""
    phases = items(saved.stage("run").get("phases"))
    if not any(phase.get("seconds") for phase in phases):
        return nothing(*_NONE_YET)
    seconds = [float(phase.get("seconds") or 0.0) for phase in phases]
    longest = max(range(len(phases)), key=seconds.__getitem__)
    drawn = figure(
        f"{look.duration(sum(seconds))} in all; {text(look.phase_name(phases[longest]['phase']))} took the longest",
        subtitle="seconds by phase, colour by state · source: run.json",
        alt="Bar chart of durations: "
        + ", ".join(
            f"{look.phase_name(phase['phase'])} {look.duration(took)} ({phase['status']})"
            for phase, took in zip(phases, seconds, strict=True)
        ),
        height=bars_high(len(phases)),
    )
    add_bars(
        drawn,
        [text(look.phase_name(phase["phase"])) for phase in phases],
        seconds,
        color=[look.TONES[look.tone(phase["status"])] for phase in phases],
        said=[
            look.duration(took) + ("" if phase["status"] == "completed" else f", {text(phase['status'])}")
            for phase, took in zip(phases, seconds, strict=True)
        ],
    )
    drawn.update_xaxes(title_text="seconds", range=[0, max(seconds) * 1.35])
    return drawn


def rows_by_step(saved: Saved) -> go.Figure:
    """Source rows done of source rows to do, load by load."""
    steps = [
        step
        for step in items(saved.stage("run").get("steps"))
        if step["step"].startswith("load:") and step.get("rows_total")
    ]
    if not steps:
        return nothing(*_NONE_YET)
    done = [int(step.get("rows_done") or 0) for step in steps]
    totals = [int(step["rows_total"]) for step in steps]
    drawn = figure(
        f"{sum(done):,} of {sum(totals):,} source rows are through",
        subtitle="source rows done (colour) and to do (grey) by load · source: run.json",
        alt="Bar chart of rows: "
        + ", ".join(f"{s['step']} {d:,} of {t:,}" for s, d, t in zip(steps, done, totals, strict=True)),
        height=bars_high(len(steps)),
    )
    labels = [text(step["step"].removeprefix("load:")) for step in steps]
    colors = [look.TONES[look.tone(step["status"])] for step in steps]
    add_bars(drawn, labels, totals, color="#8a94a344", said=[""] * len(steps))
    written = [f"{d:,}" if d == t else f"{d:,} of {t:,}" for d, t in zip(done, totals, strict=True)]
    add_bars(drawn, labels, done, color=colors, said=written)
    drawn.update_layout(barmode="overlay")
    room_for_labels(drawn, max(totals))
    drawn.update_xaxes(title_text="source rows")
    return drawn


def rows_over_time(saved: Saved) -> go.Figure:
    """Source rows done since the start; a flat piece is a pause, a retry or work without rows."""
    points = _cumulative(saved.events())
    if len(points) < 2:
        return nothing("No progress recorded yet", "03_execute with confirm writes events.jsonl.")
    start = points[0][0]
    seconds = [(at - start).total_seconds() for at, _ in points]
    rows = [done for _, done in points]
    rate = rows[-1] / seconds[-1] if seconds[-1] else 0.0
    drawn = figure(
        f"{rows[-1]:,} source rows in {look.duration(seconds[-1])}: {rate:,.0f} a second on average",
        subtitle="source rows done since the first load began · source: events.jsonl",
        alt=f"Line of source rows done over time, from 0 to {rows[-1]:,} in {look.duration(seconds[-1])}.",
        height=340,
    )
    every = max(1, len(points) // _POINTS)
    kept = [*range(0, len(points) - 1, every), len(points) - 1]
    drawn.add_scatter(
        x=[round(seconds[number], 2) for number in kept],
        y=[rows[number] for number in kept],
        mode="lines",
        line={"color": look.BLUE, "width": 3, "shape": "hv"},
        fill="tozeroy",
        fillcolor="#2f7fc122",
        hovertemplate="%{y:,} rows after %{x:.0f} s<extra></extra>",
    )
    drawn.update_xaxes(title_text="seconds since the start", rangemode="tozero")
    drawn.update_yaxes(title_text="source rows", rangemode="tozero", tickformat=",")
    return drawn


def _cumulative(events: Iterable[Facts]) -> list[tuple[datetime, int]]:
    """When, and how many source rows all loads have done so far; a load's count never goes back."""
    done: dict[str, int] = {}
    points: list[tuple[datetime, int]] = []
    total = 0
    for event in events:
        at, name, rows = moment(event.get("at")), str(event.get("name")), event.get("rows_done")
        if at is None or not name.startswith("load:"):
            continue
        if rows is not None:
            total += max(0, rows - done.get(name, 0))
            done[name] = max(rows, done.get(name, 0))
        points.append((at, total))
    return points
