"""Charts of how records will hang together: organisations of a contact, participants of an opportunity, activities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go

from crm_migrate.report import look
from crm_migrate.report.figures.base import add_bars, bars_high, figure, nothing, room_for_labels, text
from crm_migrate.report.saved import Saved, items

_NONE_YET = ("No dry run yet", "02_dry_run makes it.")
_MOST = 8  # related rows that have a bar of their own; more share the last one
_TYPES = 6  # types of activities with a colour of their own
_YEARS = 8  # from so many years on, activities are drawn by year
_HOLE = 6  # so many periods without an activity are drawn each; more of them are one empty column
_SOURCE = "source: simulation.json"


def organizations_per_contact(saved: Saved) -> go.Figure:
    """Contacts by how many organisations they will belong to."""
    counts = _related(saved, "contacts_by_organizations")
    if not counts:
        return nothing(*_NONE_YET) if not saved.stage("simulation") else nothing("No contacts", "There are none.")
    total, without = sum(counts.values()), counts.get(0, 0)
    title = (
        f"{without:,} of {total:,} contacts will belong to no organisation"
        if without
        else f"All {total:,} contacts will belong to an organisation"
    )
    return _bars(title, f"contacts by number of organisations · {_SOURCE}", "contacts", "organisation", counts)


def participants_per_opportunity(saved: Saved) -> go.Figure:
    """Opportunities by how many organisations take part in them."""
    counts = _related(saved, "opportunities_by_participants")
    if not counts:
        return nothing(*_NONE_YET) if not saved.stage("simulation") else nothing("No opportunities", "There are none.")
    total, several = sum(counts.values()), sum(rows for number, rows in counts.items() if number > 1)
    title = f"{several:,} of {total:,} opportunities will have more than one participant"
    return _bars(title, f"opportunities by number of participants · {_SOURCE}", "opportunities", "participant", counts)


def activities_by_month(saved: Saved) -> go.Figure:
    """Activities by month and type: does the history reach as far back as the business does?"""
    rows = items((saved.stage("simulation").get("relationships") or {}).get("activities_by_month"))
    counted = [(str(month), str(kind), int(number)) for month, kind, number in rows]
    if not counted:
        return nothing(*_NONE_YET) if not saved.stage("simulation") else nothing("No activities", "There are none.")
    total = sum(number for _, _, number in counted)
    dated = [(month, kind, number) for month, kind, number in counted if month[:4].isdigit()]
    undated = total - sum(number for _, _, number in dated)
    by_year = len({month[:4] for month, _, _ in dated}) > _YEARS
    unit = "year" if by_year else "month"
    spread: dict[str, Counter[str]] = {}
    for month, kind, number in dated:
        spread.setdefault(kind, Counter())[month[:4] if by_year else month] += number
    kinds = sorted(spread, key=lambda kind: -spread[kind].total())
    title = f"{total:,} activities" + (
        f" from {min(m for m, _, _ in dated)} to {max(m for m, _, _ in dated)}" if dated else ""
    )
    drawn = figure(
        f"{title}; {undated:,} without a date that can be shown" if undated else title,
        subtitle=f"activities by {unit} and type · {_SOURCE}",
        alt=f"Stacked bars of activities by {unit}: " + ", ".join(f"{kind} {spread[kind].total():,}" for kind in kinds),
        height=420,
    )
    colors = [look.BLUE, look.ORANGE, look.GREEN, look.PURPLE, look.SKY, look.RED]
    parts = [(kind, spread[kind], colors[place]) for place, kind in enumerate(kinds[:_TYPES])]
    if rest := kinds[_TYPES:]:
        parts.append(("others", sum((spread[kind] for kind in rest), Counter[str]()), look.GREY))
    for name, counts, color in parts:
        periods = sorted(counts)
        drawn.add_bar(
            x=periods,
            y=[counts[period] for period in periods],
            name=text(name),
            showlegend=True,
            marker={"color": color, "line": {"width": 0}},
            hovertemplate="%{x}: %{y:,}<extra>" + text(name) + "</extra>",
        )
    drawn.update_layout(barmode="stack", margin_t=108, bargap=0.15)
    periods = _with_holes({period for counts in spread.values() for period in counts}, by_year=by_year)
    drawn.update_xaxes(type="category", categoryorder="array", categoryarray=periods, showgrid=False, nticks=12)
    drawn.update_yaxes(title_text="activities", tickformat=",")
    return drawn


def _with_holes(periods: set[str], *, by_year: bool) -> list[str]:
    """Every period from the first to the last, since a hole is what one looks for; a long one is one empty column."""
    numbers = sorted(int(period) if by_year else int(period[:4]) * 12 + int(period[5:7]) - 1 for period in periods)

    def name(number: int) -> str:
        return f"{number:04}" if by_year else f"{number // 12:04}-{number % 12 + 1:02}"

    shown = [name(number) for number in numbers[:1]]
    for before, number in pairwise(numbers):
        missing = [name(one) for one in range(before + 1, min(number, before + 2 + _HOLE))]
        long = number - before - 1 > _HOLE
        shown += [f"{name(before + 1)} to {name(number - 1)}"] if long else missing
        shown.append(name(number))
    return shown


def _related(saved: Saved, name: str) -> dict[int, int]:
    pairs: Sequence[Any] = items((saved.stage("simulation").get("relationships") or {}).get(name))
    return {int(number): int(rows) for number, rows in pairs}


def _bars(title: str, subtitle: str, what: str, related: str, counts: dict[int, int]) -> go.Figure:
    shown = Counter[int]()
    for number, rows in counts.items():
        shown[min(number, _MOST)] += rows
    labels = [f"{look.plural(number, related)}{' or more' if number == _MOST else ''}" for number in sorted(shown)]
    values = [shown[number] for number in sorted(shown)]
    drawn = figure(
        title,
        subtitle=subtitle,
        alt=f"Bar chart of {what}: "
        + ", ".join(f"{label} {rows:,}" for label, rows in zip(labels, values, strict=True)),
        height=bars_high(len(labels)),
    )
    add_bars(drawn, labels, values, color=look.BLUE, said=[f"{rows:,}" for rows in values])
    room_for_labels(drawn, max(values))
    drawn.update_xaxes(title_text=what)
    return drawn
