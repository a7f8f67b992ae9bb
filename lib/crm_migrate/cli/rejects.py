"""The rows that a run set aside."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich.console import Group
from rich.table import Table
from rich.text import Text

from crm_migrate import runs, workflow
from crm_migrate.cli.parts import JsonOption, PersonalOption, RunOption, answer, app, told
from crm_migrate.workflow import SetAside


@app.command()
@told
def rejects(
    show_personal_data: PersonalOption = False, run: RunOption = runs.LATEST, as_json: JsonOption = False
) -> None:
    """List the rows that a run could not bring in, and why; `execute` takes them in once that is mended."""
    found = workflow.rejects(run, show_personal_data=show_personal_data)
    answer(as_json, asdict(found), _shown(found))


def _shown(found: SetAside) -> Group:
    table = Table(header_style="bold", box=None, pad_edge=False)
    for heading in ("step", "table", "key", "SQLSTATE", "message", "when", "row"):
        table.add_column(heading, justify="right" if heading == "key" else "left", overflow="fold")
    for reject in found.rejects:
        row = json.dumps(reject.row, ensure_ascii=False, default=str)
        values = (reject.step, reject.table, reject.key, reject.sqlstate, reject.message)
        table.add_row(*map(Text, (*values, reject.at.isoformat(sep=" ", timespec="seconds"), row)))
    count = Text(f"run {found.run_id} has set aside {len(found.rejects):,} rows in database {found.database}", "bold")
    return Group(table, count) if found.rejects else Group(count)
