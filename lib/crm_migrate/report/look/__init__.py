"""One look for notebooks, pages and index: one palette, one Plotly template, one set of words for a state."""

from crm_migrate.report.look.charts import QUIET, template
from crm_migrate.report.look.palette import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    SEVERITIES,
    SKY,
    TONES,
    Tone,
    tone,
)
from crm_migrate.report.look.tokens import css_tokens
from crm_migrate.report.look.words import duration, measured, percent, phase_name, plural, size

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "PURPLE",
    "QUIET",
    "RED",
    "SEVERITIES",
    "SKY",
    "TONES",
    "Tone",
    "css_tokens",
    "duration",
    "measured",
    "percent",
    "phase_name",
    "plural",
    "size",
    "template",
    "tone",
]
