"""How fast the night went: source rows a second, with what held it up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import plotly.graph_objects as go

from crm_migrate.report import look
from crm_migrate.report.figures.base import elapsed, figure, nothing
from crm_migrate.report.saved import Facts, Saved, moment

_BINS = 60  # at most, over the whole time
_WIDTHS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)


@dataclass(frozen=True, slots=True)
class _Night:
    """What the events tell: rows that became done when, pauses from and to, and moments of a retry."""

    rows: tuple[tuple[datetime, int], ...]
    pauses: tuple[tuple[datetime, datetime], ...]
    retries: tuple[datetime, ...]


def throughput(saved: Saved) -> go.Figure:
    """Source rows a second over time; grey is a pause or a stop, a mark on top is a retry."""
    night = _told(saved.events(), saved.run_id)
    if len(night.rows) < 2:
        return nothing("No progress recorded yet", "03_execute with confirm writes events.jsonl.")
    start, end = night.rows[0][0], night.rows[-1][0]
    long = (end - start).total_seconds()
    done = sum(rows for _, rows in night.rows)
    width = next((width for width in _WIDTHS if long / width <= _BINS), long / _BINS)
    rates = [0.0] * (int(long / width) + 1)
    for at, rows in night.rows:
        rates[int((at - start).total_seconds() / width)] += rows / width
    paused = sum((back - since).total_seconds() for since, back in night.pauses)
    unit, divisor = elapsed(long)
    held = [
        look.plural(len(night.pauses), "pause") if night.pauses else "",
        look.plural(len(night.retries), "retry", "retries") if night.retries else "",
    ]
    mean = done / (long - paused) if long > paused else 0.0
    drawn = figure(
        f"{done:,} source rows in {look.duration(long)}, {mean:,.0f} a second"
        + (f" without the pauses; {', '.join(filter(None, held))}" if any(held) else "; no pause, no retry"),
        subtitle=f"source rows a second, by {look.duration(width)} · source: events.jsonl",
        alt=f"Source rows a second over {look.duration(long)}: at most {max(rates):,.0f}, {mean:,.0f} on average; "
        f"{look.plural(len(night.pauses), 'pause')}, {look.plural(len(night.retries), 'retry', 'retries')}.",
        height=340,
    )
    drawn.add_bar(
        x=[round((number + 0.5) * width / divisor, 5) for number in range(len(rates))],
        y=[round(rate, 1) for rate in rates],
        width=width / divisor,
        marker={"color": look.BLUE, "line": {"width": 0}},
        showlegend=False,
        hovertemplate="%{y:,.0f} rows a second<extra></extra>",
    )
    for since, back in night.pauses:
        left, right = ((at - start).total_seconds() / divisor for at in (since, back))
        drawn.add_vrect(x0=left, x1=right, fillcolor=look.GREY, opacity=0.25, line_width=0)
        drawn.add_annotation(
            text=f"stood for {look.duration((back - since).total_seconds())}",
            x=(left + right) / 2,
            y=1,
            yref="paper",
            yanchor="top",
            showarrow=False,
        )
    if night.retries:
        drawn.add_scatter(
            x=[(at - start).total_seconds() / divisor for at in night.retries],
            y=[max(rates) * 1.08] * len(night.retries),
            mode="markers",
            name="retry",
            showlegend=True,
            marker={"symbol": "triangle-down", "size": 12, "color": look.ORANGE},
            hovertemplate="tried again<extra></extra>",
        )
        drawn.update_layout(margin_t=108)
    drawn.update_layout(bargap=0)
    drawn.update_xaxes(title_text=f"{unit} since the first phase began", rangemode="tozero")
    drawn.update_yaxes(title_text="source rows a second", rangemode="tozero", tickformat=",")
    return drawn


def _told(events: Iterable[Facts], run_id: str) -> _Night:
    """A load's count goes up; one that begins again is that of another call, which counts what is left.

    What comes before the first stage of the night is the rehearsal's.
    """
    counted: dict[str, int] = {}
    rows: list[tuple[datetime, int]] = []
    pauses: list[tuple[datetime, datetime]] = []
    retries: list[datetime] = []
    stopped: datetime | None = None
    begun = False
    for event in events:
        at, kind, name = moment(event.get("at")), event.get("kind"), str(event.get("name"))
        begun = begun or kind == "stage"
        if at is None or not begun:
            continue
        if kind == "stage" and name == "phases" and not rows:
            rows.append((at, 0))
        if stopped is not None and kind == "stage":
            if rows and event.get("name") != "revert":
                pauses.append((stopped, at))
            stopped = None
        if kind in ("note", "error") and name == run_id:
            stopped = at
        elif kind == "retry" and rows:
            retries.append(at)
        elif kind == "progress" and name.startswith("load:") and event.get("rows_done") is not None:
            done, before = int(event["rows_done"]), counted.get(name, 0)
            rows.append((at, done - before if done >= before else done))
            counted[name] = done
    ended = rows[-1][0] if rows else None
    return _Night(
        tuple(rows),
        tuple((since, back) for since, back in pauses if ended is not None and back <= ended),
        tuple(at for at in retries if ended is not None and at <= ended),
    )
