"""How far a run is, its pages, and all of it through the notebooks."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC
from typing import Annotated

import typer
from rich.text import Text

from crm_migrate import embedded, runs, terminal, workflow
from crm_migrate.cli.parts import (
    ConfirmOption,
    JsonOption,
    PersonalOption,
    RunOption,
    answer,
    app,
    say,
    sink,
    started,
    told,
)
from crm_migrate.errors import MigrationError, UsageError
from crm_migrate.execute import Run
from crm_migrate.runs import Stage
from crm_migrate.settings import Settings


@app.command()
@told
def status(run: RunOption = runs.LATEST, as_json: JsonOption = False) -> None:
    """Say how far a run is, from its saved files, and whether a window was left closed."""
    settings, _folder = started(run)
    found = workflow.status(run)
    _tell_of_window(settings)
    _tell_of_old_names(settings)
    if found.doubt is not None:
        say(found.doubt, "Run `crm-migrate decide` again.")
    if found.run is not None:
        run_now = _still_running(found.run)
        answer(as_json, asdict(run_now), terminal.run(run_now))
        return
    verdict = "" if found.decision is None else found.decision.verdict
    document = {"run_id": found.run_id, "status": found.stage, "verdict": verdict}
    answer(as_json, document, terminal.facts(document.items()))


def _still_running(run: Run) -> Run:
    """What run.json says, unless the database knows that nobody drives the run any more."""
    if run.status == "running":
        with suppress(MigrationError):
            return replace(run, status=workflow.monitor(run.run_id).status)
    return run


def _tell_of_window(settings: Settings) -> None:
    """What the database says of its window, where it can be asked without starting a server."""
    if settings.database_url is None and not embedded.is_running(settings.workspace):
        return
    with suppress(MigrationError):
        found = workflow.window(settings=settings)
        if found.since is not None and found.runner is None:
            by = "" if found.run_id is None else f" by run {found.run_id}"
            say(f"The window is closed, since {found.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC{by}", found.means)


def _tell_of_old_names(settings: Settings) -> None:
    """That `cleanup` has taken them away, where the database can be asked without starting a server."""
    if settings.database_url is None and not embedded.is_running(settings.workspace):
        return
    with suppress(MigrationError):
        gone = workflow.old_names(settings=settings)
        if gone:
            say(gone, "Verification and the way back still know them; `crm-migrate rollback` puts them back first.")


@app.command()
@told
def report(run: RunOption = runs.LATEST, as_json: JsonOption = False) -> None:
    """Write a run's pages anew from its saved files; asks no database."""
    index = workflow.report(run)
    answer(as_json, {"index": str(index)}, Text(str(index)))


@app.command(name="run")
@told
def run_command(
    until: Annotated[Stage, typer.Option(help="The last notebook to execute.")] = "verify",
    confirm: ConfirmOption = None,
    parameter: Annotated[
        list[str] | None, typer.Option("-p", metavar="NAME VALUE", help="A notebook's parameter and its value; repeat.")
    ] = None,
    value: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="ID", help="Which run; else a new one, or an approved one with --confirm."),
    ] = None,
    show_personal_data: PersonalOption = False,
    as_json: JsonOption = False,
) -> None:
    """Execute the notebooks headlessly, in order, and write their pages; without --confirm the last two only look."""
    names, values = parameter or [], value or []
    if len(names) != len(values):
        raise UsageError("each -p takes a name and a value", hint="Write -p approved_by 'Your Name'.")
    given = dict(zip(names, values, strict=True))
    if show_personal_data:
        given["show_personal_data"] = "true"
    done = workflow.run(run, until=until, confirm=confirm, parameters=given, emit=sink())
    document = {
        "run_id": done.index.parent.name,
        "verdict": done.verdict,
        "reasons": done.reasons,
        "index": str(done.index),
    }
    pairs = [("run", done.index.parent.name), ("verdict", done.verdict or "none yet"), ("reports", done.index)]
    answer(as_json, document, terminal.facts([*pairs, *(("because", reason) for reason in done.reasons)]))
    if done.exit_code:
        raise typer.Exit(done.exit_code)
    if not as_json:
        say("Look further with `crm-migrate status`, `crm-migrate verify`, or `make lab` for the notebooks")
