"""The proof of the way back: up, down, and up again, and what was different after each."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go

from crm_migrate.report import look
from crm_migrate.report.figures.base import add_bars, bars_high, figure, nothing, text
from crm_migrate.report.saved import Saved, items


@dataclass(frozen=True, slots=True)
class _Leg:
    """One way: what it is, how long it took, whether it held, and what was found after it."""

    name: str
    seconds: float
    held: bool
    found: str


def up_down_up(saved: Saved) -> go.Figure:
    """The rehearsal there and back, then the night: how long each took, and whether all was as it should be (E2)."""
    legs = _legs(saved)
    if not legs:
        return nothing(
            "The way back was not rehearsed",
            "With the parameter rehearse the dry run goes there and back on a copy, and compares.",
        )
    broken = [leg for leg in legs if not leg.held]
    way = "Up, down, up" if len(legs) > 2 else "Up and down"
    drawn = figure(
        f"{way}: {text(broken[0].found)} after {broken[0].name}"
        if broken
        else f"{way}: after each way every row and object was as it should be",
        subtitle="seconds each way, and what differed after it · source: rehearsal.json"
        + (", run.json, verification.json" if len(legs) > 2 else ""),
        alt="; ".join(f"{leg.name}: {look.duration(leg.seconds)}, {leg.found}" for leg in legs),
        height=bars_high(len(legs)),
    )
    add_bars(
        drawn,
        [f"{leg.name}<br>{text(leg.found)}" for leg in legs],
        [leg.seconds for leg in legs],
        color=[look.GREEN if leg.held else look.RED for leg in legs],
        said=[look.duration(leg.seconds) for leg in legs],
    )
    drawn.update_xaxes(title_text="seconds", range=[0, (max(leg.seconds for leg in legs) or 1) * 1.3])
    return drawn


def _legs(saved: Saved) -> list[_Leg]:
    rehearsed, executed, verified = (saved.stage(name) for name in ("rehearsal", "run", "verification"))
    if not rehearsed:
        return []
    back = int(rehearsed.get("differing_back") or 0)
    objects = len(rehearsed.get("left_over") or ())
    legs = [
        _Leg(
            "up, on a copy",
            float(rehearsed["seconds"]),
            bool(rehearsed.get("verified")),
            _differ(int(rehearsed.get("differing") or 0)) if not rehearsed.get("failed") else "stopped",
        ),
        _Leg(
            "down, on the copy",
            float(rehearsed["revert_seconds"]),
            not (back or objects or rehearsed.get("failed")),
            f"{_differ(back)}, {look.plural(objects, 'object')}",
        ),
    ]
    if executed.get("status") == "completed" and verified:
        differing = sum(int(facts["differing"]) for facts in (verified.get("compared") or {}).values())
        seconds = sum(float(phase.get("seconds") or 0.0) for phase in items(executed.get("phases")))
        legs.append(_Leg("up, in the night", seconds, bool(verified.get("ok")), _differ(differing)))
    return legs


def _differ(rows: int) -> str:
    return f"{look.plural(rows, 'row')} differ" if rows != 1 else "1 row differs"
