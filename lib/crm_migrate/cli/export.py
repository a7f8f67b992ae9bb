"""A run as files for spreadsheets, and on paper."""

from __future__ import annotations

from dataclasses import asdict

from rich.console import Group
from rich.text import Text

from crm_migrate import runs, workflow
from crm_migrate.cli.parts import JsonOption, PersonalOption, RunOption, answer, app, told


@app.command()
@told
def export(
    show_personal_data: PersonalOption = False, run: RunOption = runs.LATEST, as_json: JsonOption = False
) -> None:
    """Write findings and rejects as CSV and Excel, and decision and report as PDF, into the run's folder."""
    found = workflow.export(run, show_personal_data=show_personal_data)
    lines = [Text(str(found.folder / name)) for name in found.files]
    lines += [Text(sentence, "yellow") for sentence in found.missing]
    answer(as_json, asdict(found) | {"folder": str(found.folder)}, Group(*lines))
