"""The network of principals, distributors and customers: who reaches whom, on how many opportunities?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from crm_migrate.report import look
from crm_migrate.report.figures.base import figure, nothing, text
from crm_migrate.report.saved import Saved, items

_COLUMNS = {"principal": (0.02, look.BLUE), "distributor": (0.5, look.PURPLE), "customer": (0.98, look.GREEN)}
_LONGEST = 23  # characters of a name
_NODE = 40  # pixels a node and its gap
_LEAST = 860  # pixels: three columns of names side by side
_AROUND, _PAD = 84, 14  # pixels above and below the picture; between two nodes
_PART = (0.01, 0.92)  # of the height, below the heads of the columns


def network(saved: Saved) -> go.Figure:
    """Principals on the left, distributors between, customers on the right; as wide as the opportunities they share."""
    if not saved.stage("simulation"):
        return nothing("No dry run yet", "02_dry_run makes it.")
    found: Mapping[str, Any] = (saved.stage("simulation").get("relationships") or {}).get("network") or {}
    nodes, links = items(found.get("nodes")), found.get("links") or ()
    alone = int(found.get("alone") or 0)
    if not links:
        return nothing(
            f"All {alone:,} opportunities are with one organisation" if alone else "No organisations meet yet",
            "opportunity_roles.csv names principals and distributors.",
        )
    counted = {role: sum(node["organizations"] for node in nodes if node["role"] == role) for role in _COLUMNS}
    through = f", through {look.plural(counted['distributor'], 'distributor')}" if counted["distributor"] else ""
    grouped = sum(node["organizations"] for node in nodes if node["name"] is None)
    by_name = f"{len(nodes) - sum(node['name'] is None for node in nodes)} busiest by name, {grouped:,} in groups"
    left_out = f"; {look.plural(alone, 'opportunity', 'opportunities')} with the customer alone not drawn"
    height = 150 + _NODE * max(sum(node["role"] == role for node in nodes) for role in _COLUMNS)
    drawn = figure(
        f"{look.plural(counted['principal'], 'principal')} and {look.plural(counted['customer'], 'customer')} "
        f"meet on {look.plural(found['opportunities'], 'opportunity', 'opportunities')}{through}",
        subtitle=(f"opportunities, {by_name}" if grouped else "opportunities on which they meet")
        + (left_out if alone else "")
        + " · source: simulation.json",
        alt="Flow of opportunities from principals over distributors to customers: "
        + "; ".join(f"{_name(nodes[a])} with {_name(nodes[b])} {number:,}" for a, b, number in _widest(links)),
        height=height,
    )
    drawn.add_sankey(
        arrangement="fixed",
        domain={"y": list(_PART)},
        textfont={"size": 12},
        node={
            "label": [text(f"{_name(node)}  {node['opportunities']:,}") for node in nodes],
            "color": [_COLUMNS[node["role"]][1] for node in nodes],
            "x": [_COLUMNS[node["role"]][0] for node in nodes],
            "y": _heights(nodes, links, (_PART[1] - _PART[0]) * (height - _AROUND)),
            "pad": _PAD,
            "thickness": 14,
            "line": {"width": 0},
        },
        link={
            "source": [a for a, _, _ in links],
            "target": [b for _, b, _ in links],
            "value": [number for _, _, number in links],
            "color": [_COLUMNS[nodes[a]["role"]][1] + "55" for a, _, _ in links],
        },
    )
    for role, x, side in (("principal", 0.0, "left"), ("distributor", 0.5, "center"), ("customer", 1.0, "right")):
        if counted[role]:
            drawn.add_annotation(
                text=f"<b>{look.plural(counted[role], role)}</b>",
                x=x,
                y=1.0,
                xref="paper",
                yref="paper",
                xanchor=side,
                yanchor="top",
                showarrow=False,
                font={"size": 13},
            )
    drawn.update_layout(margin={"l": 8, "r": 8, "b": 16}, meta={**drawn.layout.meta, "width": _LEAST})
    return drawn


def _widest(links: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    return sorted(links, key=lambda link: -link[2])[:8]


def _name(node: Mapping[str, Any]) -> str:
    if node["name"] is None:
        return look.plural(node["organizations"], f"other {node['role']}")
    name = str(node["name"])
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _heights(nodes: Sequence[Mapping[str, Any]], links: Sequence[tuple[int, int, int]], height: float) -> list[float]:
    """Where the middle of each node stands, from 0 at the top to 1: each column takes the whole height.

    Args:
        height: of the picture in pixels, by which Plotly makes a node as high as what flows through it.
    """
    flow = [
        max(
            sum(number for one, _, number in links if one == place),
            sum(number for _, other, number in links if other == place),
        )
        for place in range(len(nodes))
    ]
    columns = [[place for place, node in enumerate(nodes) if node["role"] == role] for role in _COLUMNS]
    columns = [column for column in columns if column]
    scale = min(
        (height - (len(column) - 1) * _PAD) / sum(flow[place] for place in column) / height for column in columns
    )
    heights = [0.5] * len(nodes)
    for column in columns:
        free = 1 - scale * sum(flow[place] for place in column)
        gap, top = (free / (len(column) - 1), 0.0) if len(column) > 1 else (0.0, free / 2)
        for place in column:
            heights[place] = round(min(0.999, max(0.001, top + scale * flow[place] / 2)), 4)
            top += scale * flow[place] + gap
    return heights
