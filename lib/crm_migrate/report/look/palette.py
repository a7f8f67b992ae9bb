"""The palette: marks, which keep their colour in light and dark; ink, paper and lines, which do not.

The marks are those of Okabe and Ito, which people with any common colour blindness tell apart; text never leans on
colour alone. Every pair of ink and ground has a contrast of at least 4.5 to 1.
"""

from __future__ import annotations

from typing import Literal

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
    "mark": BLUE,
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
    "mark": BLUE,
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
