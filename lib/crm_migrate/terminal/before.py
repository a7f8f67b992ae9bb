"""Before the night: pre-flight, assessment, repair script, comparison, decision, plan."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from crm_migrate.assess import Assessment
from crm_migrate.diff import Diff
from crm_migrate.fixes import Fixes
from crm_migrate.gate import Decision
from crm_migrate.plan import Plan
from crm_migrate.preflight import Preflight
from crm_migrate.terminal.parts import MARKS, SEVERITIES, figure
from crm_migrate.terminal.parts import table as tabled


def preflight(found: Preflight) -> RenderableType:
    """Each check with its answer, and what to do where it failed."""
    table = tabled("", "check", "found")
    for check in found.checks:
        detail = check.detail if check.ok or not check.hint else f"{check.detail} {check.hint}"
        table.add_row(MARKS[check.ok], Text(check.check), Text(detail))
    return table


def assessment(found: Assessment) -> RenderableType:
    """The checks that found something, worst first, and the ratio that the gate looks at."""
    table = tabled("severity", "check", "failing", "of", "why")
    order = {"blocker": 0, "warning": 1, "info": 2}
    for check in sorted(found.checks, key=lambda check: (order[check.severity], -check.failing)):
        if check.failing:
            table.add_row(
                Text(check.severity, style=SEVERITIES[check.severity]),
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
    table = tabled("severity", "check", "found", "mended", "what is done")
    for fix in found.fixes:
        table.add_row(
            Text(fix.severity, style=SEVERITIES[fix.severity]),
            Text(fix.check),
            f"{fix.found:,}",
            f"{fix.mended:,}",
            Text(fix.why),
        )
    left = f"{sum(found.left.values()):,} findings with a warning or a blocker are left to people"
    said = f"{sum(fix.mended for fix in found.fixes):,} findings are mended by {found.file}; {left}."
    return Group(table, Text(said), Text("Review it, run it with psql as the owner of the tables, and assess anew."))


def diff(found: Diff) -> RenderableType:
    """Rows by table, objects of the schema, and checks, as far as they are others now."""
    tables = tabled("table", "rows", "rows now", "added", "changed", "removed")
    for table in found.tables:
        figures = (table.rows_before, table.rows_after, table.added, table.changed, table.removed)
        tables.add_row(Text(table.table), *(f"{figure:,}" for figure in figures))
    checks = tabled("", "check", "severity", "failing", "failing now")
    for check in found.checks or ():
        checks.add_row(
            Text(check.change, style="green" if check.change == "better" else "bold red"),
            Text(check.check),
            Text(check.severity, style=SEVERITIES[check.severity]),
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
    table = tabled("", "criterion", "limit", "found", "setting")
    for criterion in found.criteria:
        limit, value = Text(figure(criterion.limit)), Text(figure(criterion.value))
        table.add_row(MARKS[criterion.ok], Text(criterion.name), limit, value, Text(criterion.setting))
    go = found.verdict == "GO"
    approval = f"approved by {found.approved_by}" if found.approved_by else "a draft: nobody has approved it"
    said = Text(
        f"{'GO' if go else 'NO-GO'}, {approval}, until {found.expires_at:%Y-%m-%d %H:%M} UTC",
        style="bold green" if go else "bold red",
    )
    return Group(table, *(Text(f"- {reason}") for reason in found.reasons), said)


def plan(found: Plan) -> RenderableType:
    """Every step in order, with its reason and its way back."""
    table = tabled("phase", "step", "why", "way back")
    for phase in found.phases:
        for number, kind in enumerate(phase.steps):
            name = Text(phase.name if number == 0 else "", style="bold cyan")
            table.add_row(name, Text(kind.step.name), Text(kind.why), Text(kind.irreversible or "yes"))
    return table
