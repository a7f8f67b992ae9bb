"""The night and after: how far a run is, what verification says, what everything means."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from crm_migrate.dictionary import Dictionary
from crm_migrate.execute import Run
from crm_migrate.terminal.parts import MARKS
from crm_migrate.terminal.parts import table as tabled
from crm_migrate.verify import Verification


def run(found: Run) -> RenderableType:
    """The phases of a run and, while one is under way, its running step."""
    table = tabled("phase", "status", "seconds", "source rows", "rejects")
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
    table = tabled("", "question", "answer")
    for check in found.checks:
        table.add_row(MARKS[check.ok], Text(check.check), Text(check.detail))
    for name, compared in found.compared.items():
        detail = f"{compared.rows:,} rows, {compared.differing:,} differing"
        if compared.written_since:
            detail += f", {compared.written_since:,} written since"
        table.add_row(MARKS[compared.differing == 0], Text(f"rows: {name}"), Text(detail))
    verdict = Text("verified", style="bold green") if found.ok else Text("NOT verified", style="bold red")
    return Group(table, verdict)


def dictionary(found: Dictionary) -> RenderableType:
    """Every column with its meaning, table by table, then the enumerations and functions."""
    columns = tabled("column", "type", "where from", "meaning")
    for relation in found.relations:
        columns.add_row(
            Text(relation.name, style="bold cyan"), relation.kind, relation.origin, Text(relation.meaning, style="bold")
        )
        for column in relation.columns:
            type_ = column.type if column.nullable else f"{column.type}, required"
            columns.add_row(Text(f"  {column.name}"), Text(type_), column.origin, Text(column.meaning))
    others = tabled("enumeration or function", "values or result", "where from", "meaning")
    for kind in found.enumerations:
        others.add_row(Text(kind.name), Text(", ".join(kind.values)), kind.origin, Text(kind.meaning))
    for function in found.functions:
        said = Text(f"{function.name}({function.arguments})")
        others.add_row(said, Text(function.returns), function.origin, Text(function.meaning))
    return Group(columns, Text(), others)
