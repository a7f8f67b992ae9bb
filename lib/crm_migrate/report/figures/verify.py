"""Charts of the verification: is what was found what was predicted, and is anything lost?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from crm_migrate.report import look
from crm_migrate.report.figures.base import add_bars, bars_high, figure, label, nothing, room_for_labels, write_behind
from crm_migrate.report.saved import Saved, items

LEGACY = " (legacy columns)"  # how verification.json names what a table had before, read by its old name
_NONE_YET = ("Nothing has been verified yet", "04_verify with confirm does it, after the execution.")


def predicted_and_found(saved: Saved) -> go.Figure:
    """Rows found, beside the number the dry run predicted, by target; how many of them differ (D3)."""
    compared = {name: facts for name, facts in _compared(saved).items() if not name.endswith(LEGACY)}
    if not compared:
        return nothing(*_NONE_YET)
    targets = sorted(compared, key=lambda name: (-compared[name]["differing"], -compared[name]["rows"], name))
    labels = [label(name.removeprefix("public.")) for name in targets]
    rows, wrong = [[compared[name][what] for name in targets] for what in ("rows", "differing")]
    predicted = _predicted(saved)
    marks = [predicted.get(name.removeprefix("public.")) for name in targets]
    drawn = figure(
        f"{sum(wrong):,} of {sum(rows):,} rows differ from the prediction"
        if any(wrong)
        else f"All {sum(rows):,} rows are as predicted",
        subtitle="rows found by target, and the number predicted · source: verification.json, simulation.json",
        alt="Bar chart of rows found: "
        + ", ".join(
            f"{name} {found:,} found, {mark if mark is not None else 'unknown'} predicted, {bad:,} differ"
            for name, found, mark, bad in zip(targets, rows, marks, wrong, strict=True)
        ),
        height=bars_high(len(targets)),
    )
    same = [max(0, found - bad) for found, bad in zip(rows, wrong, strict=True)]
    add_bars(drawn, labels, same, color=look.GREEN, said=[""] * len(targets), name="found, as predicted")
    if any(wrong):
        add_bars(drawn, labels, wrong, color=look.RED, said=[""] * len(targets), name="found, but different")
    drawn.add_scatter(
        x=marks,
        y=labels,
        mode="markers",
        name="predicted",
        marker={"symbol": "line-ns-open", "size": 22, "color": look.GREY, "line": {"width": 3}},
        hovertemplate="%{y}: %{x:,} predicted<extra></extra>",
    )
    write_behind(
        drawn,
        labels,
        rows,
        [f"{n:,}" + (f", {bad:,} differ" if bad else "") for n, bad in zip(rows, wrong, strict=True)],
    )
    drawn.update_layout(barmode="stack")
    room_for_labels(drawn, max([*rows, *(mark for mark in marks if mark is not None)]) * (1.15 if any(wrong) else 1))
    drawn.update_xaxes(title_text="rows")
    return drawn


def counts_before_after(saved: Saved) -> go.Figure:
    """Rows by legacy table in the snapshot and after the migration; are their old columns untouched? (D1)."""
    before: Mapping[str, int] = (saved.stage("assessment").get("snapshot") or {}).get("rows") or {}
    compared = _compared(saved)
    after = {table: compared[table + LEGACY] for table in before if table + LEGACY in compared}
    if not after:
        return nothing(*_NONE_YET)
    tables = sorted(after, key=lambda table: (-before[table], table))
    grown = [table for table in tables if before[table] != after[table]["rows"]]
    wrong = sum(facts["differing"] for facts in after.values())
    drawn = figure(
        f"{look.plural(wrong, 'row')} of the old tables changed"
        if wrong
        else f"{look.plural(len(grown), 'table')} changed in number since the assessment"
        if grown
        else f"Nothing lost: {look.plural(len(tables), 'table')} with as many rows as before",
        subtitle="rows by table, when assessed and after the migration · source: assessment.json, verification.json",
        alt="Bar chart of counts: "
        + ", ".join(f"{table} {before[table]:,} before, {after[table]['rows']:,} after" for table in tables),
        height=bars_high(2 * len(tables)),
    )
    labels = [label(table) for table in tables]
    for name, color, values in (
        ("before", look.GREY, [before[table] for table in tables]),
        ("after", look.BLUE, [after[table]["rows"] for table in tables]),
    ):
        add_bars(drawn, labels, values, color=color, said=[f"{value:,}" for value in values], name=name)
    room_for_labels(drawn, max(*before.values(), *(facts["rows"] for facts in after.values())))
    drawn.update_xaxes(title_text="rows")
    return drawn


def _compared(saved: Saved) -> Mapping[str, Any]:
    return saved.stage("verification").get("compared") or {}


def _predicted(saved: Saved) -> dict[str, int]:
    """Rows predicted by target; models that fill columns of one target after another predict the same rows again."""
    new: dict[str, int] = {}
    filled: dict[str, int] = {}
    for model in items(saved.stage("simulation").get("models")):
        target = model["target"].removeprefix("public.")
        if model["mode"] == "insert":
            new[target] = new.get(target, 0) + model["rows"]
        else:
            filled[target] = max(filled.get(target, 0), model["rows"])
    return filled | new
