"""What the verdict would be, as far as warnings go, if the line were drawn elsewhere; the line itself stays."""

from __future__ import annotations

import math
from dataclasses import dataclass

import ipywidgets as widgets

from crm_migrate import runs
from crm_migrate.lab import parts
from crm_migrate.lab.parts import Picture
from crm_migrate.report import saved
from crm_migrate.report.parts import Badge, Card, View


@dataclass(frozen=True, slots=True)
class Threshold:
    """The widgets: a slider in per cent, and what would follow."""

    slider: widgets.FloatSlider
    picture: Picture


def threshold(run_id: str = runs.LATEST, *, line: float = 0.0) -> Threshold:
    """Move the share of records with a warning from which on it is NO-GO; nothing is saved.

    Args:
        line: where to begin, in per cent; 0 is the line that holds.
    """
    run = parts.read(run_id)
    assessment, limit = run.stage("assessment"), saved.warning_limit(run.stage("decision"))
    made = Threshold(
        widgets.FloatSlider(
            description="line, %", value=line or 100 * limit, min=0.0, max=5.0, step=0.05, readout_format=".2f"
        ),
        Picture(),
    )

    def verdict() -> View:
        share = made.slider.value / 100
        records, rows = int(assessment.get("records") or 0), int(assessment.get("warning_rows") or 0)
        ratio = float(assessment.get("warning_ratio") or 0)
        blockers = int(assessment.get("blocker_rows") or 0)
        below = max(0, math.ceil(share * records) - 1)  # rows that may have one
        too_many = max(0, rows - below) if ratio >= share else 0
        go = not blockers and not too_many
        why = []
        if blockers:
            why.append(f"{blockers:,} rows have a blocker, wherever the line is.")
        if too_many:
            why.append(f"{too_many:,} of the {rows:,} rows with a warning would have to be mended first.")
        return View(
            "If the line were there",
            Badge("would be GO", "good") if go else Badge("would be NO-GO", "bad"),
            f"{ratio:.2%} of {records:,} records have a warning; the line would be {share:.2%}.",
            reasons=tuple(why),
            cards=(Card("the line that holds", f"{limit:.2%}"), Card("rows with a warning", f"{rows:,}")),
        )

    def draw(_change: object = None) -> None:
        made.picture.show_what(verdict)

    made.slider.observe(draw, "value")
    draw()
    parts.put(widgets.VBox([made.slider, made.picture]), made.picture)
    return made
