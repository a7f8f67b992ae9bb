"""Weeks later: who still uses the old names, and what of the migration may go by now (E3)."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from crm_migrate import runs, terminal, usage, workflow
from crm_migrate.cli.parts import ERR, ConfirmOption, JsonOption, RunOption, answer, app, sink, told
from crm_migrate.errors import Refused, UsageError
from crm_migrate.retention import Leftovers


@app.command()
@told
def observe(run: RunOption = runs.LATEST, as_json: JsonOption = False) -> None:
    """Note who uses the old names deals and dealNotes, and how often; run it daily until they go."""
    found = workflow.observe(run, emit=sink())
    answer(as_json, usage.document(found), terminal.usage(found))


@app.command()
@told
def cleanup(
    confirm: ConfirmOption = None,
    compatibility: Annotated[
        bool, typer.Option("--compatibility", help="The old names go, too; refused where somebody uses them.")
    ] = False,
    archive: Annotated[
        bool, typer.Option("--archive", help="What users wrote and no migration brought back goes, too, for good.")
    ] = False,
    run: RunOption = runs.LATEST,
    as_json: JsonOption = False,
) -> None:
    """Remove what a migration has left and is old enough to go; without --confirm only list it, with the reasons."""
    if confirm is None and (compatibility or archive):
        raise UsageError(
            "--compatibility and --archive go with --confirm", hint="`crm-migrate cleanup` alone shows what would go."
        )
    if archive and not _agree(workflow.cleanup()):
        raise Refused("nothing was removed, as was answered")
    found = workflow.cleanup(confirm=confirm, compatibility=compatibility, archive=archive, emit=sink())
    answer(as_json, asdict(found), terminal.leftovers(found))


def _agree(found: Leftovers) -> bool:
    """Say what users would lose; a person at a terminal is asked, a script has said --archive."""
    for entry in found.waiting:
        if entry.what == "migration_archive":
            ERR.print(f"{entry.what}: {entry.why}", markup=False)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    try:
        return typer.confirm("Remove what users wrote for good?", default=False, err=True)
    except typer.Abort:
        return False
