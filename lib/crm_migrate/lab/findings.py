"""From a bar, or from a choice of table, severity and check, into the rows that fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go
import polars as pl

from crm_migrate import assess, duck, runs
from crm_migrate.lab import parts
from crm_migrate.lab.parts import ALL, Picture
from crm_migrate.report import figures, look, views
from crm_migrate.report.parts import View
from crm_migrate.report.saved import shown_detail

_MOST = 100  # rows at once


@dataclass(frozen=True, slots=True)
class Findings:
    """The widgets: three choices, a chart whose bars are chosen by a click, and the rows."""

    table: widgets.Dropdown
    severity: widgets.Dropdown
    check: widgets.Dropdown
    bars: go.FigureWidget
    picture: Picture

    def drill(self, trace: Any, points: Any, _state: object) -> None:
        """A bar was clicked: its table and its severity."""
        if points.ys:
            self.table.value, self.severity.value = points.ys[0], trace.name


def findings(
    run_id: str = runs.LATEST,
    *,
    table: str = ALL,
    severity: str = ALL,
    check: str = ALL,
    show_personal_data: bool = False,
) -> Findings:
    """Choose among the failing rows of a run.

    Args:
        table, severity, check: what to begin with; one of which no row fails is none.
        show_personal_data: whether addresses and telephone numbers are shown as they are.
    """
    run = parts.read(run_id)
    file = run.folder / assess.FINDINGS
    with duck.reading({file: assess.FINDINGS_COLUMNS}, hint=assess.AGAIN):
        found = pl.scan_parquet(file).with_columns(pl.col("table").str.strip_prefix("public."))
        kinds = found.group_by("table", "severity", "check").len().sort("table", "check").collect()
    made = Findings(
        widgets.Dropdown(description="table", options=[ALL, *kinds["table"].unique(maintain_order=True)]),
        widgets.Dropdown(description="severity", options=[ALL, *look.SEVERITIES]),
        widgets.Dropdown(description="check", options=[ALL, *kinds["check"].unique(maintain_order=True)]),
        go.FigureWidget(figures.findings_by_table(run)),
        Picture(),
    )
    made.bars._config = look.QUIET

    def chosen() -> View:
        picked = {
            column: choice.value
            for column, choice in (("table", made.table), ("severity", made.severity), ("check", made.check))
            if choice.value != ALL
        }
        if not picked:  # some of each check
            return views.failing(*run.findings(show_personal_data=show_personal_data))
        rows = found.filter(*(pl.col(column) == value for column, value in picked.items()))
        total = int(rows.select(pl.len()).collect().item())
        some = rows.head(_MOST).collect().to_dicts()
        return views.failing([shown_detail(row, show_personal_data=show_personal_data) for row in some], total)

    def draw(_change: object = None) -> None:
        made.picture.show_what(chosen)

    def narrow(_change: object) -> None:
        of_table = kinds if made.table.value == ALL else kinds.filter(pl.col("table") == made.table.value)
        made.check.options = [ALL, *of_table["check"].unique(maintain_order=True)]
        draw()

    made.table.observe(narrow, "value")
    made.severity.observe(draw, "value")
    made.check.observe(draw, "value")
    for bar in made.bars.data:
        bar.on_click(made.drill)
    for choice, asked in ((made.table, table), (made.severity, severity), (made.check, check)):
        choice.value = asked if asked in choice.options else ALL
    draw()
    choices = widgets.HBox([made.table, made.severity, made.check])
    parts.put(widgets.VBox([made.bars, choices, made.picture]), made.picture)
    return made
