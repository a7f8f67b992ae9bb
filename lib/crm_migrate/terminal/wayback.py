"""What a way back would do, as a person reads it before they say yes."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from crm_migrate.archive import Counts
from crm_migrate.elsewhere import Restored
from crm_migrate.terminal.parts import table as tabled
from crm_migrate.wayback import Outlook

_OPERATIONS = ("INSERT", "UPDATE", "DELETE")


def outlook(found: Outlook) -> RenderableType:
    """Tables of what users wrote since and what becomes of it, and the time that is left."""
    parts: list[RenderableType] = []
    if found.restore:
        parts += _table("written since the migration, and LOST by a restore", found.lost)
    else:
        parts += _table("written since the migration, and kept where it is", found.stays)
        parts += _table("archived in migration_archive, for the next migration to bring back", found.archived)
        parts += [
            Text(f"{rows:,} rows of {relation} were deleted softly and will be seen again", style="yellow")
            for relation, rows in found.reappearing.items()
        ]
    if not parts:
        parts.append(Text("nobody has written anything since the migration"))
    parts += [Text(f"missing: {sentence}", style="yellow") for sentence in found.missing]
    if found.standing:
        parts.append(Text(f"in the way, to be dropped before: {', '.join(found.standing)}", style="bold red"))
    if found.hours is not None:
        said = f"run {found.run_id} on database {found.database} ended {found.hours:.1f} hours ago"
        parts.append(Text(said if found.is_open else f"{said}: too late without --override-window", style="bold"))
    return Group(*parts)


def restored(found: Restored) -> RenderableType:
    """What stands in the other database, and what does not."""
    return Group(
        Text(
            f"database {found.database} holds what {found.dumped} held when run {found.run_id} dumped it: "
            f"{sum(found.rows.values()):,} rows in {len(found.rows)} tables, counted; "
            f"the fingerprints of {len(found.proved)} are those of before the migration",
            style="bold",
        ),
        Text(f"what was written since is in {found.dumped} alone, which was left as it is"),
    )


def _table(title: str, counts: Counts) -> list[RenderableType]:
    if not counts:
        return []
    table = tabled("table", "new", "edited", "deleted")
    for relation, counted in counts.items():
        table.add_row(Text(relation), *(f"{counted.get(operation, 0):,}" for operation in _OPERATIONS))
    return [Text(title, style="bold"), table]
