"""What all charts share: how one begins, how bars are drawn, how text from the data is made harmless."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

import plotly.graph_objects as go

from crm_migrate.report import look

_BAR = 38  # pixels a bar and its gap
_UNDER_LEGEND = 108  # pixels of title, subtitle and legend in a notebook; a page writes the title itself
_LINE, _HINT = 24, 40  # characters of a line of a label, of a hint
_AROUND = 150  # pixels of title, legend and axis


def text(value: object) -> str:
    """A value from the data as Plotly may show it: Plotly reads a subset of HTML in every text."""
    return html.escape(str(value), quote=False)


def label(value: object, *, line: int = _LINE) -> str:
    """A name as a picture shows it: harmless, and in as few lines of about `line` characters as leave the bars room."""
    words = re.split(r"(?<=[_ ])", str(value))
    wanted = max(1, -(-len(str(value)) // line))
    width = len(str(value)) // wanted
    while len(lines := _broken(words, width)) > wanted:
        width += 1
    return "<br>".join(text(part.strip()) for part in lines)


def _broken(words: Sequence[str], width: int) -> list[str]:
    """Words in lines of at most that width, where a word is not longer itself."""
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word.rstrip()) > width:
            lines.append("")
        lines[-1] += word
    return lines


def figure(title: str, *, subtitle: str, alt: str, height: int = 360) -> go.Figure:
    """An empty figure in our look.

    Args:
        title: the finding, as a sentence, with names from the data already made harmless by `text`.
        subtitle: unit and source.
        alt: what the picture shows, in words.
        height: in pixels.
    """
    drawn = go.Figure()
    drawn.update_layout(
        template=look.template(),
        title={"text": title, "subtitle": {"text": subtitle}},
        height=height,
        meta={"alt": alt},
    )
    return drawn


def nothing(title: str, hint: str) -> go.Figure:
    """The picture of a stage that has not come yet, or of a question whose answer is none."""
    drawn = figure(title, subtitle="", alt=f"{title}. {hint}", height=190)
    drawn.update_xaxes(visible=False)
    drawn.update_yaxes(visible=False)
    drawn.add_annotation(
        text=label(hint, line=_HINT), x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, font={"size": 15}
    )
    return drawn


def bars_high(count: int) -> int:
    """Height in pixels of a chart of `count` horizontal bars."""
    return _AROUND + _BAR * max(count, 2)


def add_bars(
    drawn: go.Figure,
    labels: Sequence[str],
    values: Sequence[float],
    *,
    color: str | Sequence[str],
    said: Sequence[str],
    name: str = "",
    inside: bool = False,
) -> None:
    """Add horizontal bars, the first on top, each with its value written at it.

    Args:
        labels: already made harmless.
        said: the value as text, one a bar; also what hovering shows.
        inside: write the values into the bars, for stacks.
    """
    drawn.add_bar(
        x=list(values),
        y=list(labels),
        orientation="h",
        marker={"color": color if isinstance(color, str) else list(color), "line": {"width": 0}},
        name=name,
        showlegend=bool(name),
        text=list(said),
        textposition="inside" if inside else "outside",
        insidetextfont={"color": "#18202c"},
        insidetextanchor="middle",
        textangle=0,
        cliponaxis=False,
        hovertemplate="%{y}: %{text}<extra>" + name + "</extra>",
    )
    if name:
        drawn.update_layout(margin_t=_UNDER_LEGEND)
    drawn.update_yaxes(autorange="reversed", showgrid=False, ticklabelstandoff=6, tickfont_size=12)


def write_behind(drawn: go.Figure, labels: Sequence[str], values: Sequence[int], said: Sequence[str]) -> None:
    """Write a text behind each stacked bar."""
    drawn.add_scatter(
        x=list(values),
        y=list(labels),
        mode="text",
        text=[f"   {words}" for words in said],
        textposition="middle right",
        showlegend=False,
        hoverinfo="skip",
        cliponaxis=False,
    )


def elapsed(seconds: float) -> tuple[str, float]:
    """In which unit a time axis of that length is read, and how many seconds one has."""
    if seconds < 600:
        return "seconds", 1.0
    return ("minutes", 60.0) if seconds < 3 * 3600 else ("hours", 3600.0)


def thinned(count: int, most: int) -> list[int]:
    """Positions of about `most` of `count` points, the first and the last among them."""
    every = max(1, -(-count // most))
    return [*range(0, count - 1, every), count - 1]


def room_for_labels(drawn: go.Figure, largest: float) -> None:
    """Widen the value axis so that a number written behind the longest bar is not cut; few rows get whole ticks."""
    drawn.update_xaxes(range=[0, (largest or 1) * 1.3], tickformat=",", dtick=1 if largest <= 6 else None)
