"""The Plotly template: one type, one set of lines, room for the title; light, and dark by tokens."""

from __future__ import annotations

import plotly.graph_objects as go

from crm_migrate.report.look.palette import BLUE, FONT, GREEN, GREY, LIGHT, ORANGE, PURPLE, RED, SKY

QUIET = {"displayModeBar": False}
"""Plotly's configuration wherever it draws: without its buttons, one of which would send the chart to its makers."""


def template() -> go.layout.Template:
    """The Plotly template: light paper; a page swaps ink, paper and lines for dark readers and leaves the marks."""
    axis = {
        "gridcolor": LIGHT["line"],
        "linecolor": LIGHT["line"],
        "zerolinecolor": LIGHT["line"],
        "ticks": "",
        "automargin": True,
        "title": {"font": {"size": 13, "color": LIGHT["soft"]}, "standoff": 12},
    }
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 14, "color": LIGHT["ink"]},
            "title": {
                "x": 0,
                "xref": "container",
                "xanchor": "left",
                "pad": {"l": 16},
                "font": {"size": 17, "weight": 600},
                "subtitle": {"font": {"size": 13, "color": LIGHT["soft"]}},
            },
            "colorway": [BLUE, ORANGE, GREEN, PURPLE, SKY, RED, GREY],
            "paper_bgcolor": LIGHT["paper"],
            "plot_bgcolor": LIGHT["paper"],
            "margin": {"l": 16, "r": 32, "t": 76, "b": 48},
            "legend": {
                "orientation": "h",
                "y": 1.0,
                "yanchor": "bottom",
                "x": 0,
                "xanchor": "left",
                "traceorder": "normal",
            },
            "bargap": 0.32,
            "hovermode": "closest",
            "hoverlabel": {"font": {"family": FONT, "size": 13}},
            "xaxis": axis,
            "yaxis": axis,
        }
    )
