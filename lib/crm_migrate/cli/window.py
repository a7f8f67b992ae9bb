"""The window: whether users may write, and the way to let them."""

from __future__ import annotations

from dataclasses import asdict

import typer

from crm_migrate import terminal, workflow
from crm_migrate.cli.parts import JsonOption, answer, app, sink, told
from crm_migrate.window import WindowState

commands = typer.Typer(no_args_is_help=True, help="The maintenance window: may users write, and let them again.")
app.add_typer(commands, name="window")


@commands.command(name="status")
@told
def window__status(as_json: JsonOption = False) -> None:
    """Say whether users may write, since when not, and by which run."""
    _show(workflow.window(), as_json)


@commands.command(name="open")
@told
def window__open(as_json: JsonOption = False) -> None:
    """Give everybody exactly the rights they had before, also after a crash; refused while a runner is at work."""
    _show(workflow.open_window(emit=sink()), as_json)


def _show(found: WindowState, as_json: bool) -> None:
    facts = asdict(found) | {"closed": "yes" if found.closed else "no"}
    pairs = [(name.replace("_", " "), value) for name, value in facts.items() if value is not None]
    answer(as_json, asdict(found), terminal.facts(pairs))
