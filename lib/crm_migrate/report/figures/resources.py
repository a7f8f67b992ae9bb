"""What the night took of its machine: processor, memory, and what was written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from crm_migrate.report import look
from crm_migrate.report.figures.base import elapsed, figure, nothing, thinned
from crm_migrate.report.saved import Facts, Saved, moment

_POINTS = 600
_GAP = 60.0  # seconds without a look: the run did not go on meanwhile


def resource_use(saved: Saved) -> go.Figure:
    """Processor, memory, and bytes written, look by look; a gap is a pause."""
    looks = [(at, line) for line in saved.resources() if (at := moment(line.get("at"))) is not None]
    if len(looks) < 2:
        return nothing("Nothing was measured yet", "03_execute with confirm writes resources.jsonl, a line a second.")
    first = looks[0][0]
    unit, divisor = elapsed((looks[-1][0] - first).total_seconds())
    cpu = [float(line.get("cpu_percent") or 0.0) for _, line in looks]
    memory = [int(line.get("memory_bytes") or 0) for _, line in looks]
    wal = _grown([line for _, line in looks], "wal_bytes")
    written = _grown([line for _, line in looks], "written_bytes")
    mean = sum(cpu) / len(cpu)
    lines = (
        (f"processor, % of one core, mean {mean:,.0f}", cpu, look.BLUE),
        (f"memory, MB, at most {look.size(max(memory))}", [b / 1e6 for b in memory], look.PURPLE),
        (f"write-ahead log, MB, in all {look.size(wal[-1])}", [b / 1e6 for b in wal], look.ORANGE),
        (f"written by the runner, MB, in all {look.size(written[-1])}", [b / 1e6 for b in written], look.GREEN),
    )
    drawn = figure(
        f"The runner took {look.percent(mean / 100)} of one core and {look.size(max(memory))} of memory at most; "
        f"the server wrote {look.size(wal[-1])} of log",
        subtitle=f"by {unit} since the start, a look a second · source: resources.jsonl",
        alt="Four lines over time: " + "; ".join(name for name, _, _ in lines),
        height=560,
    )
    kept = thinned(len(looks), _POINTS)
    places = [(looks[number][0] - first).total_seconds() for number in kept]
    for number, (name, values, color) in enumerate(lines):
        axis = "" if number == 0 else str(number + 1)
        drawn.add_scatter(
            x=[None if gap else round(place / divisor, 3) for place, gap in _with_gaps(places)],
            y=[None if gap else round(values[kept[at]], 2) for at, gap in _positions(places)],
            yaxis=f"y{axis}",
            mode="lines",
            line={"color": color, "width": 2},
            connectgaps=False,
            showlegend=False,
            hovertemplate="%{y:,.0f}<extra>" + name.split(",")[0] + "</extra>",
        )
        top = 0.95 - number * 0.25
        drawn.update_layout(
            {f"yaxis{axis}": {"domain": [top - 0.16, top], "rangemode": "tozero", "nticks": 3, "tickformat": ","}}
        )
        drawn.add_annotation(
            text=name, x=0, y=top + 0.005, xref="paper", yref="paper", xanchor="left", yanchor="bottom", showarrow=False
        )
    drawn.update_xaxes(title_text=f"{unit} since the start", rangemode="tozero", anchor="y4")
    drawn.update_layout(margin_t=100)
    return drawn


def _grown(lines: Sequence[Facts], name: str) -> list[float]:
    """A counter that begins anew with each call, as one that never does."""
    total, last, grown = 0.0, 0.0, []
    for line in lines:
        value: Any = line.get(name)
        if value is not None:
            total += value - last if value >= last else value
            last = value
        grown.append(total)
    return grown


def _with_gaps(places: Sequence[float]) -> list[tuple[float, bool]]:
    return [(places[at], gap) for at, gap in _positions(places)]


def _positions(places: Sequence[float]) -> list[tuple[int, bool]]:
    """Each position in turn, and a gap before one that comes after a pause."""
    found: list[tuple[int, bool]] = []
    for at, place in enumerate(places):
        if at and place - places[at - 1] > max(_GAP, 3 * places[-1] / _POINTS):
            found.append((at, True))
        found.append((at, False))
    return found
