"""Charts of the rehearsal: where will the time go?"""

from __future__ import annotations

import plotly.graph_objects as go

from crm_migrate.report import look
from crm_migrate.report.figures.base import add_bars, bars_high, figure, nothing, text
from crm_migrate.report.saved import Saved, items

_SHOWN = 15
_LEAST = 800  # pixels: names of steps are long


def rehearsed_steps(saved: Saved) -> go.Figure:
    """The steps that took longest in the rehearsal, with the log they wrote."""
    steps = items(saved.stage("rehearsal").get("steps"))
    if not steps:
        return nothing(
            "Nothing was rehearsed", "With the parameter rehearse the real phases run on a throw-away PostgreSQL."
        )
    shown = sorted(steps, key=lambda step: -step["seconds"])[:_SHOWN]
    seconds = sum(step["seconds"] for step in steps)
    share = sum(step["seconds"] for step in shown) / seconds if seconds else 1.0
    labels = [text(f"{look.phase_name(step['phase']).split()[0]} {step['step']}") for step in shown]
    said = [f"{_short(step['seconds'])}, {look.size(step['wal_bytes'])} of log" for step in shown]
    drawn = figure(
        f"{look.duration(seconds)} in all; {len(shown)} of {len(steps)} steps take {look.percent(share)}",
        subtitle="seconds by step, longest first, and write-ahead log · source: rehearsal.json",
        alt="Bar chart of steps: "
        + "; ".join(f"{step['step']} {what}" for step, what in zip(shown, said, strict=True)),
        height=bars_high(len(shown)),
    )
    values = [float(step["seconds"]) for step in shown]
    add_bars(drawn, labels, values, color=look.BLUE, said=said)
    drawn.update_xaxes(title_text="seconds", range=[0, (max(values) or 1) * 1.9])
    drawn.update_layout(meta={**drawn.layout.meta, "width": _LEAST})
    return drawn


def _short(seconds: float) -> str:
    """A step may take a few thousandths of a second; so many steps of 0.0 s would tell nothing."""
    return look.duration(seconds) if seconds >= 1 else f"{seconds * 1000:.0f} ms"
