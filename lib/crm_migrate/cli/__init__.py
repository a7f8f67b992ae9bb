"""The command line `crm-migrate`: the verbs of `workflow.py`, said to a terminal or to a script.

A module a group of commands; each adds its own to the one app when it is imported, in the order of the help.
"""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from crm_migrate import __version__
from crm_migrate.cli import after, before, during, export, looking, rejects, watching, window
from crm_migrate.cli.parts import app
from crm_migrate.cli.streams import outlive_readers

__all__ = ["after", "app", "before", "during", "export", "looking", "main", "rejects", "watching", "window"]


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False) -> None:
    if version:
        typer.echo(f"crm-migrate {__version__}")
        raise typer.Exit


def main() -> None:
    """Entry point of the command line; what a service manager or a terminal sends to end it is taken as Ctrl-C is.

    A reader who goes, as in `crm-migrate plan | head`, changes nothing.

    Once a command has said how it ended, another Ctrl-C changes neither that nor its exit code.
    """
    outlive_readers()
    for said in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if said == signal.SIGTERM or signal.getsignal(said) != signal.SIG_IGN:  # as `nohup` and --detach have it
            signal.signal(said, signal.default_int_handler)
    try:
        app()
    finally:
        for again in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(again, signal.SIG_IGN)
