"""Charts of the assessment: is the data fit to be migrated, and what is in the way?"""

from __future__ import annotations

from collections import Counter

import plotly.graph_objects as go

from crm_migrate.report import look
from crm_migrate.report.figures.base import add_bars, bars_high, figure, nothing, room_for_labels, text, write_behind
from crm_migrate.report.saved import Saved, items, warning_limit


def findings_by_table(saved: Saved) -> go.Figure:
    """Failing rows a table, by severity: where is the work, and does any of it stop us?"""
    assessment = saved.stage("assessment")
    if not assessment:
        return nothing("No assessment yet", "01_assess makes it.")
    counts: dict[str, Counter[str]] = {}
    for check in items(assessment.get("checks")):
        if check["failing"]:
            counts.setdefault(_short(check["table"]), Counter())[check["severity"]] += check["failing"]
    if not counts:
        checks = look.plural(len(items(assessment.get("checks"))), "check")
        return nothing("No check found a failing row", f"{checks} passed on every table.")
    tables = sorted(counts, key=lambda table: (-counts[table]["blocker"], -counts[table].total(), table))
    totals = {severity: sum(counts[table][severity] for table in tables) for severity in look.SEVERITIES}
    worst = tables[0]
    title = (
        f"{look.plural(totals['blocker'], 'blocker')}: {text(worst)} must be mended first"
        if totals["blocker"]
        else f"No blockers; {text(worst)} has the most findings ({counts[worst].total():,})"
    )
    said = ", ".join(look.plural(totals[severity], severity) for severity in ("blocker", "warning"))
    drawn = figure(
        title,
        subtitle="failing rows by table and severity · source: assessment.json",
        alt=f"Bar chart of failing rows by table. In all {said} and {totals['info']:,} informational.",
        height=bars_high(len(tables)),
    )
    longest = max(counts[table].total() for table in tables)
    for severity, color in look.SEVERITIES.items():
        if totals[severity]:
            values = [counts[table][severity] for table in tables]
            several = sum(bool(total) for total in totals.values()) > 1  # else the sum behind the bar says it
            written = [f"{value:,}" if several and value > longest / 25 else "" for value in values]
            add_bars(drawn, [text(t) for t in tables], values, color=color, said=written, name=severity, inside=True)
    sums = [counts[table].total() for table in tables]
    write_behind(drawn, [text(table) for table in tables], sums, [f"{total:,}" for total in sums])
    drawn.update_layout(barmode="stack")
    room_for_labels(drawn, longest)
    drawn.update_xaxes(title_text="failing rows")
    return drawn


def warning_ratio(saved: Saved) -> go.Figure:
    """Records with a warning against the line from which on the gate says no (B4)."""
    assessment = saved.stage("assessment")
    if not assessment:
        return nothing("No assessment yet", "01_assess makes it.")
    limit = warning_limit(saved.stage("decision"))
    ratio = float(assessment.get("warning_ratio") or 0.0)
    rows, records = int(assessment.get("warning_rows") or 0), int(assessment.get("records") or 0)
    under = ratio < limit
    drawn = figure(
        f"Warnings stand at {look.percent(ratio)}, {'under' if under else 'over'} the line of {look.percent(limit)}",
        subtitle=f"{rows:,} of {records:,} records have a warning · source: assessment.json",
        alt=f"{look.percent(ratio)} of the records have a warning; the gate says no from {look.percent(limit)} on.",
        height=210,
    )
    add_bars(drawn, ["warnings"], [ratio * 100], color=look.GREEN if under else look.RED, said=[look.percent(ratio)])
    drawn.add_vline(
        x=limit * 100,
        line={"color": look.GREY, "width": 2, "dash": "dash"},
        annotation={
            "text": f"NO-GO from {look.percent(limit)} on",
            "xanchor": "left" if ratio > 2 * limit else "right",
            "yanchor": "top",
            "xshift": 6 if ratio > 2 * limit else -6,
        },
    )
    drawn.update_xaxes(title_text="share of records checked", ticksuffix=" %", rangemode="tozero")
    drawn.update_xaxes(range=[0, max(ratio, limit) * 135])
    drawn.update_yaxes(showticklabels=False)
    drawn.update_layout(bargap=0.5)
    return drawn


def _short(table: str) -> str:
    return table.removeprefix("public.").replace('"', "")
