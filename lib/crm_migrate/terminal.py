"""What a person at a terminal reads: progress lines and tables, built here and printed by the command line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from crm_migrate.assess import Assessment
from crm_migrate.dictionary import Dictionary
from crm_migrate.diff import Diff
from crm_migrate.events import Event, Sink
from crm_migrate.execute import Run
from crm_migrate.explain import Explanation
from crm_migrate.fixes import Fixes
from crm_migrate.gate import Decision
from crm_migrate.plan import Plan
from crm_migrate.preflight import Preflight
from crm_migrate.rehearsal import Rehearsal
from crm_migrate.simulate import Estimate, Simulation
from crm_migrate.verify import Verification

_STYLES = {"error": "bold red", "warning": "yellow", "retry": "yellow", "stage": "bold", "phase": "bold cyan"}
_SEVERITIES = {"blocker": "bold red", "warning": "yellow", "info": "dim"}
_LONGEST = 10  # steps of a rehearsal that a terminal shows
_NUMERIC = (
    "failing",
    "of",
    "rows",
    "source rows",
    "rejects",
    "seconds",
    "rows now",
    "added",
    "changed",
    "removed",
    "failing now",
)
_MARKS = {True: Text("✓", style="green"), False: Text("✗", style="bold red")}


def sink(console: Console) -> Sink:
    """A sink that writes each event as one line, with rows, rate and time left where it has them."""

    def write(event: Event, /) -> None:
        line = Text(f"{event.at:%H:%M:%S}  {event.name}: {event.message}", style=_STYLES.get(event.kind, ""))
        facts = []
        if event.kind == "progress" and event.rate is not None:
            facts.append(f"{event.rate:,.0f}/s")
        if event.kind == "progress" and event.eta_seconds:
            facts.append(f"{duration(event.eta_seconds)} left")
        elif event.seconds is not None:
            facts.append(duration(event.seconds))
        if facts:
            line.append(f"  ({', '.join(facts)})", style="dim")
        with suppress(OSError, SystemExit):  # a reader that is gone does not stop the work
            console.print(line, soft_wrap=True, highlight=False)

    return write


def duration(seconds: float) -> str:
    """Seconds as a person says them: 0.4 s, 12 s, 3 min 20 s, 1 h 05 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def preflight(found: Preflight) -> RenderableType:
    """Each check with its answer, and what to do where it failed."""
    table = _table("", "check", "found")
    for check in found.checks:
        detail = check.detail if check.ok or not check.hint else f"{check.detail} {check.hint}"
        table.add_row(_MARKS[check.ok], Text(check.check), Text(detail))
    return table


def assessment(found: Assessment) -> RenderableType:
    """The checks that found something, worst first, and the ratio that the gate looks at."""
    table = _table("severity", "check", "failing", "of", "why")
    order = {"blocker": 0, "warning": 1, "info": 2}
    for check in sorted(found.checks, key=lambda check: (order[check.severity], -check.failing)):
        if check.failing:
            table.add_row(
                Text(check.severity, style=_SEVERITIES[check.severity]),
                Text(check.check),
                f"{check.failing:,}",
                f"{check.total:,}",
                Text(check.why),
            )
    return Group(
        table,
        Text(
            f"{len(found.checks)} checks of {found.records:,} records: {found.blocker_rows:,} with a blocker, "
            f"{found.warning_rows:,} with a warning ({found.warning_ratio:.2%}); score {found.score:g} of 100"
        ),
    )


def fixes(found: Fixes) -> RenderableType:
    """What the repair script does, what it leaves to people, and how it is run."""
    table = _table("severity", "check", "found", "mended", "what is done")
    for fix in found.fixes:
        table.add_row(
            Text(fix.severity, style=_SEVERITIES[fix.severity]),
            Text(fix.check),
            f"{fix.found:,}",
            f"{fix.mended:,}",
            Text(fix.why),
        )
    left = f"{sum(found.left.values()):,} findings with a warning or a blocker are left to people"
    said = f"{sum(fix.mended for fix in found.fixes):,} findings are mended by {found.file}; {left}."
    return Group(table, Text(said), Text("Review it, run it with psql as the owner of the tables, and assess anew."))


def simulation(found: Simulation) -> RenderableType:
    """What each model would make, and what the night would take."""
    table = _table("model", "target", "mode", "source rows", "rows", "rejects")
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
            Text.assemble((notice.severity, _SEVERITIES[notice.severity]), f" {notice}. {notice.fix}")
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
    record = _table("column", "value", "after the migration")
    for column, value in found.record.items():
        new = found.renamed.get(column)
        record.add_row(Text(column), Text(_said(value)), Text(f"renamed to {new}" if new else "as it is"))
    moved = "stays where it is" if found.becomes == found.table else f"will stand in {found.becomes}"
    parts: list[RenderableType] = [Text(f"{found.table} {found.key}, which {moved}", style="bold"), record]
    for finding in found.findings:
        style = _SEVERITIES[finding.severity]
        parts.append(Text.assemble((finding.severity, style), f" {finding.check}: {finding.detail}. {finding.fix}"))
    for made in found.made:
        verb = "fills in" if made.mode == "update" else "becomes a row of"
        for row in made.rows:
            table = _table("column", "value", "from")
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
    phases = _table("phase", "seconds", "back seconds", "rows", "log MB", "disk MB")
    for name, steps in found.by_phase().items():
        phases.add_row(
            Text(name),
            f"{sum(step.seconds for step in steps):.2f}",
            f"{sum(step.revert_seconds or 0.0 for step in steps):.2f}",
            f"{sum(step.rows for step in steps):,}",
            f"{sum(step.wal_bytes for step in steps) / 1e6:,.1f}",
            f"{sum(step.disk_bytes for step in steps) / 1e6:,.1f}",
        )
    longest = _table("longest steps", "seconds", "rows", "log MB", "strongest lock")
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


def diff(found: Diff) -> RenderableType:
    """Rows by table, objects of the schema, and checks, as far as they are others now."""
    tables = _table("table", "rows", "rows now", "added", "changed", "removed")
    for table in found.tables:
        figures = (table.rows_before, table.rows_after, table.added, table.changed, table.removed)
        tables.add_row(Text(table.table), *(f"{figure:,}" for figure in figures))
    checks = _table("", "check", "severity", "failing", "failing now")
    for check in found.checks or ():
        checks.add_row(
            Text(check.change, style="green" if check.change == "better" else "bold red"),
            Text(check.check),
            Text(check.severity, style=_SEVERITIES[check.severity]),
            *("-" if figure is None else f"{figure:,}" for figure in (check.before, check.after)),
        )
    sides = [f"{side.snapshot}" + (f" (run {side.run})" if side.run else "") for side in (found.before, found.after)]
    said = "one of them was not assessed" if found.checks is None else f"{len(found.checks)} checks differ"
    return Group(
        Text(f"from {sides[0]} to {sides[1]}", style="bold"),
        *([tables] if found.tables else []),
        *(Text(f"{change.change}: {change.object}") for change in found.schema),
        *([checks] if found.checks else []),
        Text(f"{len(found.tables)} tables and {len(found.schema)} objects of the schema differ; {said}"),
    )


def decision(found: Decision) -> RenderableType:
    """The verdict, each criterion with its limit, and who approved."""
    table = _table("", "criterion", "limit", "found", "setting")
    for criterion in found.criteria:
        limit, value = Text(_figure(criterion.limit)), Text(_figure(criterion.value))
        table.add_row(_MARKS[criterion.ok], Text(criterion.name), limit, value, Text(criterion.setting))
    go = found.verdict == "GO"
    approval = f"approved by {found.approved_by}" if found.approved_by else "a draft: nobody has approved it"
    said = Text(
        f"{'GO' if go else 'NO-GO'}, {approval}, until {found.expires_at:%Y-%m-%d %H:%M} UTC",
        style="bold green" if go else "bold red",
    )
    return Group(table, *(Text(f"- {reason}") for reason in found.reasons), said)


def plan(found: Plan) -> RenderableType:
    """Every step in order, with its reason and its way back."""
    table = _table("phase", "step", "why", "way back")
    for phase in found.phases:
        for number, kind in enumerate(phase.steps):
            name = Text(phase.name if number == 0 else "", style="bold cyan")
            table.add_row(name, Text(kind.step.name), Text(kind.why), Text(kind.irreversible or "yes"))
    return table


def run(found: Run) -> RenderableType:
    """The phases of a run and, while one is under way, its running step."""
    table = _table("phase", "status", "seconds", "source rows", "rejects")
    for phase in found.phases:
        table.add_row(Text(phase.phase), phase.status, f"{phase.seconds:.1f}", f"{phase.rows:,}", f"{phase.rejects:,}")
    lines = [
        Text(f"run {found.run_id} on database {found.database}: {found.status} (stage {found.stage})", style="bold")
    ]
    for step in found.steps:
        if step.status in ("running", "failed"):
            done = f" {step.rows_done:,} of {step.rows_total:,} rows" if step.rows_total else ""
            lines.append(Text(f"{step.step}: {step.status}{done} {step.error or ''}"))
    return Group(table, *lines)


def verification(found: Verification) -> RenderableType:
    """Each answer, and each relation with its differing rows."""
    table = _table("", "question", "answer")
    for check in found.checks:
        table.add_row(_MARKS[check.ok], Text(check.check), Text(check.detail))
    for name, compared in found.compared.items():
        detail = f"{compared.rows:,} rows, {compared.differing:,} differing"
        table.add_row(_MARKS[compared.differing == 0], Text(f"rows: {name}"), Text(detail))
    verdict = Text("verified", style="bold green") if found.ok else Text("NOT verified", style="bold red")
    return Group(table, verdict)


def dictionary(found: Dictionary) -> RenderableType:
    """Every column with its meaning, table by table, then the enumerations and functions."""
    columns = _table("column", "type", "where from", "meaning")
    for relation in found.relations:
        columns.add_row(
            Text(relation.name, style="bold cyan"), relation.kind, relation.origin, Text(relation.meaning, style="bold")
        )
        for column in relation.columns:
            type_ = column.type if column.nullable else f"{column.type}, required"
            columns.add_row(Text(f"  {column.name}"), Text(type_), column.origin, Text(column.meaning))
    others = _table("enumeration or function", "values or result", "where from", "meaning")
    for kind in found.enumerations:
        others.add_row(Text(kind.name), Text(", ".join(kind.values)), kind.origin, Text(kind.meaning))
    for function in found.functions:
        said = Text(f"{function.name}({function.arguments})")
        others.add_row(said, Text(function.returns), function.origin, Text(function.meaning))
    return Group(columns, Text(), others)


def facts(pairs: Iterable[tuple[str, object]]) -> RenderableType:
    """Names and values, a line each."""
    table = Table.grid(padding=(0, 2))
    for name, value in pairs:
        table.add_row(Text(name, style="dim"), Text(str(value)))
    return table


def _figure(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def _table(*headings: str) -> Table:
    table = Table(show_lines=False, header_style="bold", box=None, pad_edge=False)
    for heading in headings:
        numeric = heading in _NUMERIC or heading.endswith((" MB", " seconds"))
        table.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    return table
