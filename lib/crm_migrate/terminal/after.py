"""What is left of a migration, and who still uses the old names, as a person reads it."""

from __future__ import annotations

from datetime import UTC

from rich.console import Group, RenderableType
from rich.text import Text

from crm_migrate.retention import Leftovers
from crm_migrate.terminal.parts import table as tabled
from crm_migrate.usage import CURVE_DAYS, Usage, curve


def usage(found: Usage) -> RenderableType:
    """A line a reader: its curve over the last thirty days, one mark a day, and its last use."""
    if not found.relations:
        return Text("the old names were taken away: nothing answers under them")
    names = " and ".join(found.relations)
    since = "" if found.counted_since is None else f", counted since {found.counted_since.astimezone(UTC):%Y-%m-%d} UTC"
    if not found.uses:
        return Text(f"nobody has used {names}{since}")
    last = found.at.astimezone(UTC).date()
    table = tabled("old name", "role", "application", "what", "count", f"{CURVE_DAYS} days to {last}", "last, UTC")
    for use in found.uses:
        table.add_row(
            Text(use.relation),
            Text(use.role or "other roles"),
            Text(use.application),
            "statements" if use.source == "counter" else "sessions seen",
            f"{use.count:,}",
            Text(curve(dict(use.days), last), style="cyan"),
            f"{use.last_at.astimezone(UTC):%Y-%m-%d %H:%M}",
        )
    return Group(Text(f"use of {names}{since}", style="bold"), table)


def leftovers(found: Leftovers) -> RenderableType:
    """What goes or went, what waits with its reason, and who uses the old names."""
    names = [*found.copies, *found.dumps, *found.scratch, *(f"database {name}" for name in found.rehearsals)]
    names += [f"public.{name}" for name in found.compatibility]
    names += [f"{found.archived:,} rows of migration_archive"] if found.archived else []
    names += ["the state of the migration: nothing can be verified or taken back after that:"] if found.state else []
    said = "removed" if found.removed else "would go with --confirm DATABASE"
    parts: list[RenderableType] = [Text(f"{name} {said}") for name in names] or [Text("nothing goes now")]
    if found.waiting:
        table = tabled("stays for now", "until, UTC", "why")
        for entry in found.waiting:
            until = "" if entry.due is None else f"{entry.due.astimezone(UTC):%Y-%m-%d %H:%M}"
            table.add_row(Text(entry.what), until, Text(entry.why))
        parts.append(table)
    if found.functions:
        listed = ", ".join(found.functions)
        parts.append(Text(f"functions that read by the old names, and may fail without them: {listed}", style="yellow"))
    if found.usage is not None:
        parts.append(usage(found.usage))
    return Group(*parts)
