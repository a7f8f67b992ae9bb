"""One look for notebooks, pages and index: one palette, one Plotly template, one set of words for a state.

The colours are those of Okabe and Ito, which people with any common colour blindness tell apart; text never leans on
colour alone. A mark keeps its colour in light and dark; ink, paper and lines change.
"""

from __future__ import annotations

import math
import re
from typing import Literal

import plotly.graph_objects as go

Tone = Literal["bad", "warn", "good", "info", "quiet"]

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif'
MONO = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace'

# marks: the same in light and dark, all at least 3:1 against either paper but for what carries a label anyway
BLUE, SKY, GREEN, ORANGE, RED, PURPLE, GREY = (
    "#2f7fc1",
    "#56b4e9",
    "#009e73",
    "#e69f00",
    "#d55e00",
    "#cc79a7",
    "#8a94a3",
)
TONES: dict[Tone, str] = {"bad": RED, "warn": ORANGE, "good": GREEN, "info": SKY, "quiet": GREY}
SEVERITIES = {"blocker": RED, "warning": ORANGE, "info": SKY}

LIGHT = {
    "ground": "#f4f6f9",
    "paper": "#ffffff",
    "ink": "#18202c",
    "soft": "#566173",
    "line": "#dde2ea",
    "accent": "#0b62a8",
    "bad": "#b04300",
    "bad-ground": "#fdeee5",
    "warn": "#855b00",
    "warn-ground": "#fdf4df",
    "good": "#006c4f",
    "good-ground": "#e4f5ef",
    "info": "#0b62a8",
    "info-ground": "#e8f2fb",
    "quiet": "#566173",
    "quiet-ground": "#edf0f4",
}
DARK = {
    "ground": "#10151d",
    "paper": "#1a212c",
    "ink": "#e8ecf2",
    "soft": "#a5b0c0",
    "line": "#323c4b",
    "accent": "#7cc0f5",
    "bad": "#ff9d66",
    "bad-ground": "#3b2216",
    "warn": "#f2bd4b",
    "warn-ground": "#352a12",
    "good": "#4fd0a8",
    "good-ground": "#12322a",
    "info": "#7cc0f5",
    "info-ground": "#16293b",
    "quiet": "#a5b0c0",
    "quiet-ground": "#27303d",
}

_GOOD = {"GO", "ok", "completed", "done", "verified", "low"}
_BAD = {"NO_GO", "NO-GO", "failed", "stopped", "blocker", "wrong", "high"}
_WARN = {"running", "paused", "warning", "rolled_back", "reverted", "draft", "expired", "medium"}


def tone(state: str) -> Tone:
    """The tone in which a state, verdict or severity is shown; what is not known is quiet."""
    if state in _GOOD:
        return "good"
    if state in _BAD:
        return "bad"
    if state in _WARN:
        return "warn"
    return "info" if state == "info" else "quiet"


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


def css_tokens(scope: Literal["page", "lab"]) -> str:
    """The palette as CSS custom properties.

    Args:
        scope: a `page` follows the reader's preference and is light in print; in JupyterLab (`lab`) only fragments
            are ours, and they follow the theme chosen there.
    """
    light = "; ".join(f"--{name}: {value}" for name, value in LIGHT.items())
    dark = "; ".join(f"--{name}: {value}" for name, value in DARK.items())
    fonts = f"--font: {FONT}; --mono: {MONO}"
    if scope == "lab":
        return f'.crm {{ {light}; {fonts} }}\nbody[data-jp-theme-light="false"] .crm {{ {dark} }}'
    return f":root {{ {light}; {fonts} }}\n@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: `1 row`, `1,200 rows`, `no rows`."""
    word = one if number == 1 else (many or one + "s")
    return f"{number:,} {word}" if number else f"no {word}"


def duration(seconds: float | None) -> str:
    """Seconds as people say them: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def size(octets: float | None) -> str:
    """Bytes in decimal units: `512 B`, `1.4 MB`, `12 GB`."""
    if octets is None:
        return "–"
    value = float(octets)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def percent(share: float) -> str:
    """A fraction as a percentage, never rounded up to a line it does not reach: `0.42 %`, `3.1 %`, `99.9 %`."""
    value = share * 100
    if 0 < value < 0.01:
        return "< 0.01 %"
    digits = 10 if value >= 1 else 100
    return f"{math.floor(value * digits + 1e-9) / digits:g} %"


def measured(name: str, value: object) -> str:
    """The value of a criterion in its unit, which its name tells: a share, bytes, or a plain number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return str(value)
    if "share" in name:
        return percent(value)
    return size(value) if "bytes" in name else f"{value:,.4g}" if isinstance(value, float) else f"{value:,}"


def phase_name(name: str) -> str:
    """`1_2_contact_organizations` as people read it: `1.2 Contact organizations`."""
    match = re.fullmatch(r"(\d+)_(\d+)_(.+)", name)
    if match is None:
        return name
    words = match[3].replace("_", " ")
    return f"{match[1]}.{match[2]} {words[:1].upper()}{words[1:]}"
