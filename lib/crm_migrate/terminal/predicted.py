"""What is predicted and rehearsed: the simulation, one record, the rehearsal."""

from __future__ import annotations

import json

from rich.console import Group, RenderableType
from rich.text import Text

from crm_migrate.explain import Explanation
from crm_migrate.rehearsal import Rehearsal
from crm_migrate.simulate import Estimate, Simulation
from crm_migrate.terminal.parts import SEVERITIES, duration
from crm_migrate.terminal.parts import table as tabled

_LONGEST = 10  # steps of a rehearsal that a terminal shows


def simulation(found: Simulation) -> RenderableType:
    """What each model would make, and what the night would take."""
    table = tabled("model", "target", "mode", "source rows", "rows", "rejects")
    for model in found.models:
        table.add_row(
            Text(model.model),
            Text(model.target),
            model.mode,
            f"{model.source_rows:,}",
            f"{model.rows:,}",
            f"{model.rejects:,}",
        )
    estimate = found.estimate
    return Group(
        table,
        *(
            Text.assemble((notice.severity, SEVERITIES[notice.severity]), f" {notice}. {notice.fix}")
            for notice in found.notices
        ),
        Text(
            f"estimate: {_window(estimate)}, "
            f"{estimate.disk_bytes / 1e6:,.0f} MB of disk, {estimate.memory_bytes / 1e6:,.0f} MB of memory"
        ),
    )


def _window(estimate: Estimate) -> str:
    if estimate.seconds is None:
        return "nobody measured how long it takes"
    return f"{duration(estimate.seconds)} with a buffer of 50 %, by {estimate.basis}"


def explanation(found: Explanation) -> RenderableType:
    """The record, what checks say of it, each row it becomes, and what would be refused."""
    record = tabled("column", "value", "after the migration")
    for column, value in found.record.items():
        new = found.renamed.get(column)
        record.add_row(Text(column), Text(_said(value)), Text(f"renamed to {new}" if new else "as it is"))
    moved = "stays where it is" if found.becomes == found.table else f"will stand in {found.becomes}"
    parts: list[RenderableType] = [Text(f"{found.table} {found.key}, which {moved}", style="bold"), record]
    for finding in found.findings:
        style = SEVERITIES[finding.severity]
        parts.append(Text.assemble((finding.severity, style), f" {finding.check}: {finding.detail}. {finding.fix}"))
    for made in found.made:
        verb = "fills in" if made.mode == "update" else "becomes a row of"
        for row in made.rows:
            table = tabled("column", "value", "from")
            for column, value in row.items():
                table.add_row(Text(column), Text(_said(value)), Text(made.how[column], style="dim"))
            parts += [Text(), Text(f"{verb} {made.target}, by {made.model}", style="bold cyan"), table]
    for refused in found.refused:
        when = "after the load, which stops the run" if refused.late else "and set aside"
        parts.append(Text(f"refused by {refused.target}, {when}: {refused.reason} ({refused.rule})", style="bold red"))
    if found.referred:
        pointing = ", ".join(f"{part.rows:,} of {part.target}.{part.column}" for part in found.referred)
        parts += [Text(), Text(f"rows of other records that will point to it: {pointing}")]
    if found.masked:
        parts.append(Text("Texts that may tell of a person are masked; --show-personal-data shows them.", style="dim"))
    return Group(*parts)


def _said(value: object) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def rehearsal(found: Rehearsal) -> RenderableType:
    """What each phase and the longest steps took, what is not in the copy, and whether it held there and back."""
    phases = tabled("phase", "seconds", "back seconds", "rows", "log MB", "disk MB")
    for name, steps in found.by_phase().items():
        phases.add_row(
            Text(name),
            f"{sum(step.seconds for step in steps):.2f}",
            f"{sum(step.revert_seconds or 0.0 for step in steps):.2f}",
            f"{sum(step.rows for step in steps):,}",
            f"{sum(step.wal_bytes for step in steps) / 1e6:,.1f}",
            f"{sum(step.disk_bytes for step in steps) / 1e6:,.1f}",
        )
    longest = tabled("longest steps", "seconds", "rows", "log MB", "strongest lock")
    for step in sorted(found.steps, key=lambda step: -step.seconds)[:_LONGEST]:
        lock = step.strongest
        longest.add_row(
            Text(f"{step.phase} {step.step}"),
            f"{step.seconds:.2f}",
            f"{step.rows:,}",
            f"{step.wal_bytes / 1e6:,.1f}",
            Text("" if lock is None else f"{lock.mode} on {lock.relation}, {lock.seconds:.2f} s"),
        )
    said = (
        Text("rehearsed: " + "; ".join(found.problems), style="bold red")
        if found.problems
        else Text(
            f"rehearsed: {duration(found.seconds)} there, verified, {duration(found.revert_seconds)} back, "
            "rows and objects as before",
            style="bold green",
        )
    )
    return Group(
        phases, Text(), longest, *(Text(f"not in the copy: {what}", style="yellow") for what in found.not_copied), said
    )
