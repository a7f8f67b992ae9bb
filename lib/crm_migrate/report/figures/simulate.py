"""Charts of the dry run: what will there be, what is left out, and how near are we to each line?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from crm_migrate.report import look
from crm_migrate.report.figures.base import add_bars, bars_high, figure, label, nothing, room_for_labels, text
from crm_migrate.report.saved import Saved, items

_REASONS_SHOWN = 12
_LEAST = 520  # pixels: a criterion has a long name, and two values
_NONE_YET = ("No dry run yet", "02_dry_run makes it.")


def records_by_target(saved: Saved) -> go.Figure:
    """Rows by target table: changed in place, and new."""
    models = items(saved.stage("simulation").get("models"))
    if not models:
        return nothing(*_NONE_YET)
    changed, new = _rows(models, "update"), _rows(models, "insert")
    targets = sorted({*changed, *new}, key=lambda name: (-(changed.get(name, 0) + new.get(name, 0)), name))
    total_new, total_changed = sum(new.values()), sum(changed.values())
    drawn = figure(
        f"{total_new:,} new rows; {total_changed:,} are filled in place",
        subtitle="predicted rows by target table · source: simulation.json",
        alt="Bar chart of predicted rows: "
        + ", ".join(f"{name} {changed.get(name, 0) + new.get(name, 0):,}" for name in targets),
        height=bars_high(len(targets)),
    )
    labels = [label(name) for name in targets]
    for name, rows, color in (("filled in place", changed, look.GREY), ("new", new, look.BLUE)):
        values = [rows.get(target, 0) for target in targets]
        if rows:
            add_bars(
                drawn,
                labels,
                values,
                color=color,
                said=[f"{rows[target]:,}" if target in rows else "" for target in targets],
                name=name,
            )
    longest = max([*changed.values(), *new.values()])
    drawn.update_layout(barmode="stack" if not set(changed) & set(new) else "group")
    room_for_labels(drawn, longest)
    drawn.update_xaxes(title_text="rows")
    return drawn


def stage_mapping(saved: Saved) -> go.Figure:
    """Deals by legacy stage on the left, opportunities by new stage on the right."""
    flows = [(str(old), str(new), deals) for old, new, deals in saved.stage("simulation").get("stages") or () if deals]
    if not flows:
        return nothing("No deals to map", "The dry run found none, or has not run.")
    old = list(dict.fromkeys(legacy for legacy, _, _ in flows))
    new = list(dict.fromkeys(stage for _, stage, _ in flows))
    before, after = Counter[str](), Counter[str]()
    for legacy, stage, deals in flows:
        before[legacy] += deals
        after[stage] += deals
    drawn = figure(
        f"{before.total():,} deals in {look.plural(len(old), 'stage')} become opportunities in {len(new)}",
        subtitle="deals by legacy stage (left) and new stage (right) · source: simulation.json",
        alt="Flow of deals: " + "; ".join(f"{legacy} to {stage} {deals:,}" for legacy, stage, deals in flows),
        height=130 + 46 * max(len(old), len(new)),
    )
    colors = [look.BLUE, look.ORANGE, look.GREEN, look.PURPLE, look.SKY, look.RED, look.GREY]
    color = {name: colors[number % len(colors)] for number, name in enumerate(new)}
    drawn.add_sankey(
        arrangement="snap",
        node={
            "label": [f"{text(name)}  {before[name]:,}" for name in old]
            + [f"{text(name)}  {after[name]:,}" for name in new],
            "color": [look.GREY] * len(old) + [color[name] for name in new],
            "pad": 18,
            "thickness": 16,
            "line": {"width": 0},
        },
        link={
            "source": [old.index(legacy) for legacy, _, _ in flows],
            "target": [len(old) + new.index(stage) for _, stage, _ in flows],
            "value": [deals for _, _, deals in flows],
            "color": [color[stage] + "66" for _, stage, _ in flows],
        },
    )
    drawn.update_layout(margin={"l": 16, "r": 16, "b": 24})
    return drawn


def rejects_by_reason(saved: Saved) -> go.Figure:
    """Rows that the target would refuse, by reason; they are set aside, not lost (C6)."""
    if not saved.stage("simulation"):
        return nothing(*_NONE_YET)
    reasons: Mapping[str, int] = saved.stage("simulation").get("rejects_by_reason") or {}
    total = sum(reasons.values())
    if not total:
        return nothing("The target accepts every predicted row", "No reject.")
    shown = sorted(reasons, key=lambda reason: (-reasons[reason], reason))[:_REASONS_SHOWN]
    drawn = figure(
        f"{look.plural(total, 'row')} would be set aside, for {look.plural(len(reasons), 'reason')}",
        subtitle="predicted rejects by reason · source: simulation.json, keys in rejects.parquet",
        alt="Bar chart of rejects: " + "; ".join(f"{reason} {reasons[reason]:,}" for reason in shown),
        height=bars_high(len(shown)),
    )
    values = [reasons[reason] for reason in shown]
    add_bars(drawn, [label(reason) for reason in shown], values, color=look.RED, said=[f"{v:,}" for v in values])
    room_for_labels(drawn, max(values))
    drawn.update_xaxes(title_text="rows")
    return drawn


def criteria(saved: Saved) -> go.Figure:
    """Each measured criterion of the gate as a share of its limit (B4)."""
    decision = saved.stage("decision")
    measured = [
        criterion
        for criterion in items(decision.get("criteria"))
        if _is_number(criterion.get("value")) and _is_number(criterion.get("limit")) and criterion["limit"]
    ]
    if not measured:
        return nothing("Nothing measured yet", "02_dry_run takes the decision.")
    missed = [criterion for criterion in measured if not criterion["ok"]]
    drawn = figure(
        f"{look.plural(len(missed), 'criterion', 'criteria')} missed"
        if missed
        else f"All {len(measured)} measured criteria hold",
        subtitle="value as a share of its limit · source: decision.json",
        alt="; ".join(
            f"{criterion['name']}: {look.percent(criterion['value'] / criterion['limit'])} of its limit"
            for criterion in measured
        ),
        height=bars_high(len(measured)),
    )
    shares = [min(criterion["value"] / criterion["limit"] * 100, 250.0) for criterion in measured]
    add_bars(
        drawn,
        [label(criterion["name"]) for criterion in measured],
        shares,
        color=[look.GREEN if criterion["ok"] else look.RED for criterion in measured],
        said=[
            " of ".join(look.measured(criterion["name"], criterion[part]) for part in ("value", "limit"))
            for criterion in measured
        ],
    )
    drawn.add_vline(x=100, line={"color": look.GREY, "width": 2, "dash": "dash"})
    room_for_labels(drawn, max([*shares, 100.0]))
    drawn.update_xaxes(title_text="share of the limit", ticksuffix=" %")
    drawn.update_layout(meta={**drawn.layout.meta, "width": _LEAST})
    return drawn


def _rows(models: Any, mode: str) -> dict[str, int]:
    rows: dict[str, int] = {}
    for model in models:
        if model["mode"] == mode:
            target = model["target"].removeprefix("public.")
            rows[target] = rows.get(target, 0) + model["rows"]
    return rows


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
