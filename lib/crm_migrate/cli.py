"""The command line `crm-migrate`: the verbs of `workflow.py`, said to a terminal or to a script.

Standard output carries the answer (with `--json` one JSON document), standard error everything else.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal, ParamSpec

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from crm_migrate import __version__, demo, embedded, runs, terminal, workflow
from crm_migrate import settings as settings_module
from crm_migrate.errors import AnswerIsNo, MigrationError, NoSuchRun, Refused, UsageError
from crm_migrate.events import Sink
from crm_migrate.runs import Stage
from crm_migrate.settings import Settings

app = typer.Typer(
    name="crm-migrate",
    help="Assess, rehearse, decide, execute, verify and undo the migration of an Atomic CRM to a B2B system.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
_out, _err = Console(), Console(stderr=True)
P = ParamSpec("P")


def _there(run: str) -> str:
    """The id of a run that is there; only `snapshot` and `run` begin one."""
    if run == runs.NEW:
        raise typer.BadParameter("'new' is no run yet: begin one with `crm-migrate snapshot`, then leave --run out")
    return run


_RUN_HELP = "Which run; a folder's name under reports."
RunOption = Annotated[str, typer.Option("--run", metavar="ID", help=_RUN_HELP, callback=_there)]
NewRunOption = Annotated[str, typer.Option("--run", metavar="ID", help=_RUN_HELP)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
PersonalOption = Annotated[
    bool, typer.Option("--show-personal-data", help="Show names, addresses and texts as they are, not masked.")
]
ConfirmOption = Annotated[
    str | None,
    typer.Option("--confirm", metavar="DATABASE", help="The database's own name: yes, this one is to be changed."),
]


def _told(command: Callable[P, None]) -> Callable[P, None]:
    """End a command as the contract says: one paragraph on standard error, and the right exit code."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except MigrationError as error:
            _say(str(error), error.hint)
            raise typer.Exit(error.exit_code) from None
        except (typer.Exit, typer.Abort):
            raise
        except KeyboardInterrupt:
            _say("interrupted; nothing is half-written", "Run the command again.")
            raise typer.Exit(5) from None
        except OSError as error:
            _say(f"{error.strerror or type(error).__name__}: {error.filename or 'a file or folder'}", "Mend the place.")
            raise typer.Exit(UsageError.exit_code) from None
        except Exception as error:  # noqa: BLE001  the last line of defence: no traceback reaches a user
            place = _place(error)
            _say(f"unexpected {type(error).__name__} in {place}", "Please report this, with the command and this line.")
            raise typer.Exit(1) from None

    return wrapped


def _place(error: BaseException) -> str:
    """Module and line where an error arose; its text may quote personal data and stays out."""
    trace, place = error.__traceback__, "the command line"
    while trace is not None:
        name = trace.tb_frame.f_globals.get("__name__", "")
        if name.startswith("crm_migrate"):
            place = f"{name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _say(message: str, hint: str = "") -> None:
    _err.print(Text(f"{message}{'' if message.endswith('.') else '.'} {hint}".strip()), soft_wrap=True)


def _answer(as_json: bool, document: Path | dict[str, Any], shown: RenderableType) -> None:
    if not as_json:
        _out.print(shown)
        return
    text = document.read_text(encoding="utf-8") if isinstance(document, Path) else json.dumps(document, default=str)
    typer.echo(text.rstrip("\n"))


def _sink() -> Sink:
    return terminal.sink(_err)


def _started(run: str) -> tuple[Settings, Path]:
    settings = settings_module.load()
    return settings, runs.folder(run, settings.reports)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False) -> None:
    if version:
        typer.echo(f"crm-migrate {__version__}")
        raise typer.Exit


@app.command()
@_told
def doctor(run: RunOption = runs.LATEST, as_json: JsonOption = False) -> None:
    """Pre-flight alone: is the server reachable, is it an Atomic CRM, may this role, is there room?"""
    found = workflow.doctor(emit=_sink())
    _answer(as_json, asdict(found), terminal.preflight(found))
    if not found.ok:
        raise typer.Exit(AnswerIsNo.exit_code)


@app.command(name="demo")
@_told
def demo_command(
    contacts: Annotated[int, typer.Option(help="How many contacts; all else grows with them.")] = 2_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same rows.")] = 42,
    dirt: Annotated[float, typer.Option(help="Share of rows with a planted defect, 0 to 1.")] = 0.0,
    stop: Annotated[bool, typer.Option("--stop", help="Only stop the embedded PostgreSQL.")] = False,
    run: RunOption = runs.LATEST,
    as_json: JsonOption = False,
) -> None:
    """Make a sample Atomic CRM: in the embedded PostgreSQL, or in the empty database of CRM_MIGRATE_DATABASE_URL."""
    settings = settings_module.load()
    if stop:
        stopped = embedded.stop(settings.workspace)
        said = "the embedded PostgreSQL is stopped" if stopped else "no embedded PostgreSQL was running"
        _answer(as_json, {"stopped": stopped}, Text(said))
        return
    made = demo.create(settings, contacts=contacts, seed=seed, dirt=dirt, emit=_sink())
    _answer(as_json, asdict(made), terminal.facts(asdict(made).items()))


@app.command()
@_told
def snapshot(run: NewRunOption = runs.NEW, as_json: JsonOption = False) -> None:
    """Take a consistent snapshot of the source into the workspace; begins a new run unless --run names one."""
    taken = workflow.snapshot(run, emit=_sink())
    pairs = [
        ("snapshot", taken.id),
        ("taken at", taken.taken_at),
        *((name, f"{n:,}") for name, n in taken.rows.items()),
    ]
    _answer(as_json, taken.folder / "manifest.json", terminal.facts(pairs))


@app.command()
@_told
def assess(
    show_personal_data: PersonalOption = False, run: RunOption = runs.LATEST, as_json: JsonOption = False
) -> None:
    """Ask every check of the snapshot, look at every column; takes a snapshot first where the run has none."""
    found = workflow.assess(run, show_personal_data=show_personal_data, emit=_sink())
    _answer(as_json, workflow.run_folder(run) / "assessment.json", terminal.assessment(found))


@app.command()
@_told
def fixes(run: RunOption = runs.LATEST, as_json: JsonOption = False) -> None:
    """Write fixes.sql: what can be mended safely, in one transaction, for a person to review and run with psql."""
    found = workflow.fixes(run)
    _answer(as_json, asdict(found), terminal.fixes(found))


@app.command(name="dry-run")
@_told
def dry_run(
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="Run the real phases on a throw-away server too.")
    ] = False,
    run: RunOption = runs.LATEST,
    as_json: JsonOption = False,
) -> None:
    """Predict every row and every reject, offline, from the same SQL that the night runs."""
    found = workflow.dry_run(run, rehearse=rehearse, emit=_sink())
    rehearsed = workflow.rehearsed(run)
    shown = (
        [terminal.simulation(found)]
        if rehearsed is None
        else [terminal.rehearsal(rehearsed), terminal.simulation(found)]
    )
    _answer(as_json, workflow.run_folder(run) / "simulation.json", Group(*shown))
    if rehearse and rehearsed is not None and rehearsed.problems:
        raise typer.Exit(AnswerIsNo.exit_code)


@app.command(name="explain-record")
@_told
def explain_record(
    table: Annotated[str, typer.Argument(help="By its old or its new name: deals or opportunities, contacts, tasks.")],
    key: Annotated[str, typer.Argument(help="The record's id.")],
    show_personal_data: PersonalOption = False,
    run: RunOption = runs.LATEST,
    as_json: JsonOption = False,
) -> None:
    """Follow one record: what it is, which checks find it, what it becomes, what would be refused; offline."""
    found = workflow.explain_record(table, key, run, show_personal_data=show_personal_data, emit=_sink())
    _answer(as_json, asdict(found), terminal.explanation(found))


@app.command()
@_told
def decide(
    approved_by: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who takes the decision; else a draft.")
    ] = None,
    run: RunOption = runs.LATEST,
    as_json: JsonOption = False,
) -> None:
    """Say GO or NO-GO with every reason; ends with 3 where the answer is no."""
    found = workflow.decide(run, approved_by=approved_by, emit=_sink())
    _answer(as_json, workflow.run_folder(run) / "decision.json", terminal.decision(found))
    if found.verdict != "GO":
        raise typer.Exit(AnswerIsNo.exit_code)


@app.command()
@_told
def plan(run: RunOption = runs.LATEST, as_json: JsonOption = False) -> None:
    """List phases and steps in the order in which they will run, with their reasons and their ways back."""
    found = workflow.plan(run)
    document = {
        "phases": [
            {
                "phase": phase.name,
                "why": phase.why,
                "steps": [
                    {"step": kind.step.name, "why": kind.why, "irreversible": kind.irreversible} for kind in phase.steps
                ],
            }
            for phase in found.phases
        ]
    }
    _answer(as_json, document, terminal.plan(found))


@app.command()
@_told
def execute(
    confirm: ConfirmOption = None,
    commit: Annotated[
        Literal["batch", "phase", "all"],
        typer.Option(help="How much is one transaction: a batch, a phase, everything."),
    ] = "batch",
    batch_size: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="Source rows to a batch; the setting's where not given.")
    ] = None,
    run: RunOption = runs.LATEST,
    as_json: JsonOption = False,
) -> None:
    """Migrate the database, or go on where an earlier call stopped."""
    if confirm is None:
        raise Refused("confirmation missing: this changes the database", hint="Repeat it with `--confirm DATABASE`.")
    found = workflow.execute(run, confirm=confirm, commit=commit, batch_size=batch_size, emit=_sink())
    assert found is not None
    _answer(as_json, workflow.run_folder(run) / "run.json", terminal.run(found))


@app.command()
@_told
def pause(run: RunOption = runs.LATEST, as_json: JsonOption = False) -> None:
    """Ask the run that is under way to stop between two batches; `execute` goes on from there."""
    paused = workflow.pause()
    _answer(as_json, {"run_id": paused, "pause_requested": True}, Text(f"run {paused} will pause after its batch"))


@app.command()
@_told
def verify(run: RunOption = runs.LATEST, as_json: JsonOption = False) -> None:
    """Compare the migrated database with what was there and what was predicted; ends with 3 where something differs."""
    found = workflow.verify(run, emit=_sink())
    _answer(as_json, workflow.run_folder(run) / "verification.json", terminal.verification(found))
    if not found.ok:
        raise typer.Exit(AnswerIsNo.exit_code)


@app.command()
@_told
def diff(
    before: Annotated[
        str | None, typer.Argument(metavar="RUN_A", help="The earlier one: a run or a snapshot; else the last but one.")
    ] = None,
    after: Annotated[
        str | None, typer.Argument(metavar="RUN_B", help="The later one: a run or a snapshot; else the latest.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what lies between two snapshots: rows by table, schema, checks that got better or worse."""
    found = workflow.diff(before, after)
    _answer(as_json, asdict(found), terminal.diff(found))


@app.command()
@_told
def dictionary(run: RunOption = runs.LATEST, as_json: JsonOption = False) -> None:
    """Say what every table, column, enumeration and function of the migrated database is, and where it came from."""
    found = workflow.dictionary(run, emit=_sink())
    _answer(as_json, workflow.run_folder(run) / "dictionary.json", terminal.dictionary(found))


@app.command()
@_told
def rollback(
    confirm: ConfirmOption = None,
    restore: Annotated[
        bool, typer.Option("--restore", help="From the dump: what was written since the migration is lost.")
    ] = False,
    run: RunOption = runs.LATEST,
    as_json: JsonOption = False,
) -> None:
    """Take the migration back, in place unless --restore; open for 48 hours after its end."""
    if confirm is None:
        raise Refused("confirmation missing: this changes the database", hint="Repeat it with `--confirm DATABASE`.")
    found = workflow.revert(run, confirm=confirm, restore=restore, emit=_sink())
    _answer(as_json, workflow.run_folder(run) / "run.json", terminal.run(found))


@app.command()
@_told
def status(run: RunOption = runs.LATEST, as_json: JsonOption = False) -> None:
    """Say how far a run is, from its saved files."""
    _settings, folder = _started(run)
    found = workflow.status(run)
    if found.run is not None:
        _answer(as_json, folder / "run.json", terminal.run(found.run))
        return
    verdict = "" if found.decision is None else found.decision.verdict
    document = {"run_id": found.run_id, "status": found.stage, "verdict": verdict}
    _answer(as_json, document, terminal.facts(document.items()))


@app.command()
@_told
def monitor(run: RunOption = runs.LATEST, as_json: JsonOption = False) -> None:
    """Watch a run from another terminal until it ends or stops; with --json say once how far it is."""
    _settings, folder = _started(run)
    found = workflow.status(run).run
    if found is None:
        raise NoSuchRun(f"run {folder.name} is not being executed", hint="Begin it with `crm-migrate execute`.")
    if as_json:
        _answer(as_json, folder / "run.json", terminal.run(found))
        return
    with Live(terminal.run(found), console=_out, auto_refresh=False) as live:
        while found is not None and found.status == "running":
            time.sleep(1)
            found = workflow.status(folder.name).run or found
            live.update(terminal.run(found), refresh=True)


@app.command()
@_told
def report(run: RunOption = runs.LATEST, as_json: JsonOption = False) -> None:
    """Write a run's pages anew from its saved files; asks no database."""
    index = workflow.report(run)
    _answer(as_json, {"index": str(index)}, Text(str(index)))


@app.command(name="run")
@_told
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
    as_json: JsonOption = False,
) -> None:
    """Execute the notebooks headlessly, in order, and write their pages; without --confirm the last two only look."""
    names, values = parameter or [], value or []
    if len(names) != len(values):
        raise UsageError("each -p takes a name and a value", hint="Write -p approved_by 'Your Name'.")
    done = workflow.run(
        run, until=until, confirm=confirm, parameters=dict(zip(names, values, strict=True)), emit=_sink()
    )
    document = {
        "run_id": done.index.parent.name,
        "verdict": done.verdict,
        "reasons": done.reasons,
        "index": str(done.index),
    }
    pairs = [("run", done.index.parent.name), ("verdict", done.verdict or "none yet"), ("reports", done.index)]
    _answer(as_json, document, terminal.facts([*pairs, *(("because", reason) for reason in done.reasons)]))
    if done.exit_code:
        raise typer.Exit(done.exit_code)
    if not as_json:
        _say("Look further with `crm-migrate status`, `crm-migrate verify`, or `make lab` for the notebooks")


@app.command()
@_told
def cleanup(confirm: ConfirmOption = None, run: RunOption = runs.LATEST, as_json: JsonOption = False) -> None:
    """Remove backup tables and dumps that are older than 90 days; without --confirm only list them."""
    found = workflow.cleanup(confirm=confirm, emit=_sink())
    _answer(as_json, asdict(found), terminal.facts(asdict(found).items()))


def main() -> None:
    """Entry point of the command line."""
    app()
