"""A run as it goes on, seen from another terminal or another machine."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated

import typer
from rich.live import Live

from crm_migrate import runs, terminal, workflow
from crm_migrate.cli.parts import OUT, JsonOption, answer, app, told

_EVERY = 1.0  # seconds between two looks


@app.command()
@told
def monitor(
    watched: Annotated[
        str, typer.Option("--run", metavar="ID", help="Which run; it need not lie in the reports here.")
    ] = runs.LATEST,
    as_json: JsonOption = False,
) -> None:
    """Watch a run from anywhere until it ends or stops; Ctrl-C ends only the watching. With --json look once."""
    found = workflow.monitor(watched)
    if as_json or found.status != "running":
        answer(as_json, asdict(found), terminal.sight(found))
        return
    with (
        suppress(KeyboardInterrupt),
        Live(terminal.OnOneScreen(found), console=OUT, auto_refresh=False, transient=True) as live,
    ):
        while found.status == "running":
            time.sleep(_EVERY)
            found = workflow.monitor(found.run_id)
            live.update(terminal.OnOneScreen(found), refresh=True)
    OUT.print(terminal.sight(found))
