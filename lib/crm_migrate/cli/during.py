"""The night and the way back: what changes the database, and what proves it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated, Literal

import typer
from rich.text import Text

from crm_migrate import runs, terminal, workflow
from crm_migrate.cli.parts import ERR, ConfirmOption, JsonOption, RunOption, answer, app, say, sink, told
from crm_migrate.detach import Detached
from crm_migrate.errors import AnswerIsNo, Refused, Stopped, UsageError
from crm_migrate.execute import OnFailure, keep
from crm_migrate.wayback import Outlook


@app.command()
@told
def execute(
    confirm: ConfirmOption = None,
    commit: Annotated[
        Literal["batch", "phase", "all"],
        typer.Option(help="How much is one transaction: a batch, a phase, everything."),
    ] = "batch",
    on_failure: Annotated[
        Literal["keep", "abort"] | None,
        typer.Option(
            help="When a step fails: keep the phases before it, or take the whole run back. Not given: a terminal is "
            "asked, anything else keeps."
        ),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="Source rows to a batch; the setting's where not given.")
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="In a process of its own, which outlives this terminal.")
    ] = False,
    run: RunOption = runs.LATEST,
    as_json: JsonOption = False,
) -> None:
    """Migrate the database, or go on where an earlier call stopped."""
    if confirm is None:
        raise Refused("confirmation missing: this changes the database", hint="Repeat it with `--confirm DATABASE`.")
    if detach:
        begun = workflow.detach(run, confirm=confirm, commit=commit, on_failure=on_failure, batch_size=batch_size)
        _tell_of(begun, as_json)
        return
    found = workflow.execute(
        run,
        confirm=confirm,
        commit=commit,
        on_failure=_answering(on_failure),
        batch_size=batch_size,
        emit=sink(),
    )
    assert found is not None
    answer(as_json, workflow.run_folder(run) / "run.json", terminal.run(found))


def _tell_of(begun: Detached, as_json: bool) -> None:
    """That a process is at work, and how to deal with it; or its own last words and exit code."""
    if begun.exit_code:
        say(begun.said or f"process {begun.process} was ended by signal {-begun.exit_code}")
        raise typer.Exit(begun.exit_code if begun.exit_code > 0 else Stopped.exit_code)
    at_work = begun.exit_code is None
    said = (
        f"run {begun.run_id} goes on in process {begun.process}, also without this terminal; what it says is in "
        f"{begun.output}. Watch it with `crm-migrate monitor`, stop it with `crm-migrate pause`, take it back with "
        "`crm-migrate abort --confirm DATABASE`."
    )
    document = {"run_id": begun.run_id, "process": begun.process, "output": begun.output, "at_work": at_work}
    answer(as_json, document, Text(said if at_work else f"run {begun.run_id} has come to its end already"))


def _answering(given: Literal["keep", "abort"] | None) -> OnFailure:
    """Who is asked when a step has failed: the flag, a person at the terminal, or nobody."""
    if given is not None:
        return lambda failure: given
    return _ask if sys.stdin.isatty() and sys.stderr.isatty() else keep


def _ask(failure: Stopped) -> Literal["keep", "abort"]:
    say(str(failure), "What was finished before it can stay, to go on from later.")
    try:
        return "abort" if typer.confirm("Take the whole run back instead?", default=False, err=True) else "keep"
    except typer.Abort:
        return "keep"


@app.command()
@told
def pause(run: RunOption = runs.LATEST, as_json: JsonOption = False) -> None:
    """Ask the run that is under way to stop between two batches; `execute` goes on from there."""
    paused = workflow.pause()
    answer(as_json, {"run_id": paused, "pause_requested": True}, Text(f"run {paused} will pause after its batch"))


@app.command()
@told
def abort(confirm: ConfirmOption = None, run: RunOption = runs.LATEST, as_json: JsonOption = False) -> None:
    """Stop the run that is under way, whoever drives it, take everything back in place, and open the window."""
    if confirm is None:
        raise Refused("confirmation missing: this changes the database", hint="Repeat it with `--confirm DATABASE`.")
    found = workflow.abort(run, confirm=confirm, emit=sink())
    answer(as_json, workflow.run_folder(found.run_id) / "run.json", terminal.run(found))


@app.command()
@told
def verify(run: RunOption = runs.LATEST, as_json: JsonOption = False) -> None:
    """Compare the migrated database with what was there and what was predicted; ends with 3 where something differs."""
    found = workflow.verify(run, emit=sink())
    answer(as_json, workflow.run_folder(run) / "verification.json", terminal.verification(found))
    if not found.ok:
        raise typer.Exit(AnswerIsNo.exit_code)


@app.command()
@told
def rollback(
    confirm: ConfirmOption = None,
    restore: Annotated[
        bool, typer.Option("--restore", help="From the dump: what was written since the migration is lost.")
    ] = False,
    into: Annotated[
        str | None,
        typer.Option(metavar="DATABASE", help="With --restore: into this empty database; the migrated one stays."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be kept, archived and lost; nothing is changed.")
    ] = False,
    override_window: Annotated[
        bool, typer.Option("--override-window", help="Later than 48 hours after the end; needs a reason.")
    ] = False,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why it is taken back so late; recorded.")] = None,
    run: RunOption = runs.LATEST,
    as_json: JsonOption = False,
) -> None:
    """Take the migration back, in place unless --restore; open for 48 hours after its end."""
    if override_window != bool(reason and reason.strip()):
        raise UsageError("--override-window and --reason go together", hint='`--override-window --reason "…"`.')
    if into is not None:
        if not restore:
            raise UsageError("--into goes with --restore", hint="`crm-migrate rollback --restore --into DATABASE`.")
        made = workflow.restore_into(run, database=into, emit=sink())
        answer(as_json, asdict(made), terminal.restored(made))
        return
    if dry_run:
        ahead = workflow.outlook(run, restore=restore)
        answer(as_json, asdict(ahead), terminal.outlook(ahead))
        return
    if confirm is None:
        raise Refused(
            "confirmation missing: this changes the database",
            hint="Repeat it with `--confirm DATABASE`; `--dry-run` says what would happen.",
        )
    found = workflow.revert(
        run, confirm=confirm, restore=restore, override=reason if override_window else None, agree=_agree, emit=sink()
    )
    answer(as_json, workflow.run_folder(run) / "run.json", terminal.run(found))


def _agree(ahead: Outlook) -> bool:
    """Say what will happen; a person at a terminal is asked, a script has confirmed."""
    ERR.print(terminal.outlook(ahead))
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    try:
        return typer.confirm("Take the migration back?", default=False, err=True)
    except typer.Abort:
        return False
