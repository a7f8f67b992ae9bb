"""The network of principals, distributors and customers: who reaches whom, on how many opportunities?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from crm_migrate.report import look
from crm_migrate.report.figures.base import figure, nothing, text
from crm_migrate.report.saved import Saved, items

_COLUMNS = {"principal": (0.02, look.BLUE), "distributor": (0.5, look.PURPLE), "customer": (0.98, look.GREEN)}
_LONGEST = 26  # characters of a name
_NODE = 40  # pixels a node and its gap
_GAP = 0.055  # between two nodes, of the height of the picture


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
    drawn = figure(
        f"{look.plural(counted['principal'], 'principal')} and {look.plural(counted['customer'], 'customer')} "
        f"meet on {look.plural(found['opportunities'], 'opportunity', 'opportunities')}{through}",
        subtitle=(f"opportunities, {by_name}" if grouped else "opportunities on which they meet")
        + (left_out if alone else "")
        + " · source: simulation.json",
        alt="Flow of opportunities from principals over distributors to customers: "
        + "; ".join(f"{_name(nodes[a])} with {_name(nodes[b])} {number:,}" for a, b, number in _widest(links)),
        height=150 + _NODE * max(sum(node["role"] == role for node in nodes) for role in _COLUMNS),
    )
    drawn.add_sankey(
        arrangement="fixed",
        domain={"y": [0.02, 0.93]},
        node={
            "label": [text(f"{_name(node)}  {node['opportunities']:,}") for node in nodes],
            "color": [_COLUMNS[node["role"]][1] for node in nodes],
            "x": [_COLUMNS[node["role"]][0] for node in nodes],
            "y": _heights(nodes),
            "pad": 14,
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
                font={"size": 13, "color": look.GREY},
            )
    drawn.update_layout(margin={"l": 8, "r": 8, "b": 16})
    return drawn


def _widest(links: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    return sorted(links, key=lambda link: -link[2])[:8]


def _name(node: Mapping[str, Any]) -> str:
    if node["name"] is None:
        return look.plural(node["organizations"], f"other {node['role']}")
    name = str(node["name"])
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _heights(nodes: Sequence[Mapping[str, Any]]) -> list[float]:
    """Where the middle of each node stands, from 0 at the top to 1: in its column, each as high as its share."""
    columns = {role: [node for node in nodes if node["role"] == role] for role in _COLUMNS}
    widest = max(sum(node["opportunities"] for node in column) for column in columns.values())
    room = max(0.1, 1 - _GAP * max(len(column) for column in columns.values()))
    heights = {}
    for column in columns.values():
        sizes = [room * node["opportunities"] / widest for node in column]
        gap = (1 - sum(sizes)) / (len(column) + 1)
        top = gap
        for node, size in zip(column, sizes, strict=True):
            heights[id(node)] = round(top + size / 2, 4)
            top += size + gap
    return [heights[id(node)] for node in nodes]
