"""Before the night: sample, snapshot, assessment, dry run, decision, and what explains them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from crm_migrate import demo, embedded, runs, terminal, workflow
from crm_migrate import settings as settings_module
from crm_migrate.cli.parts import JsonOption, NewRunOption, PersonalOption, RunOption, answer, app, sink, told
from crm_migrate.errors import AnswerIsNo


@app.command()
@told
def doctor(run: RunOption = runs.LATEST, as_json: JsonOption = False) -> None:
    """Pre-flight alone: is the server reachable, is it an Atomic CRM, may this role, is there room?"""
    found = workflow.doctor(emit=sink())
    answer(as_json, asdict(found), terminal.preflight(found))
    if not found.ok:
        raise typer.Exit(AnswerIsNo.exit_code)


@app.command(name="demo")
@told
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
        answer(as_json, {"stopped": stopped}, Text(said))
        return
    made = demo.create(settings, contacts=contacts, seed=seed, dirt=dirt, emit=sink())
    answer(as_json, asdict(made), terminal.facts(asdict(made).items()))


@app.command()
@told
def snapshot(run: NewRunOption = runs.NEW, as_json: JsonOption = False) -> None:
    """Take a consistent snapshot of the source into the workspace; begins a new run unless --run names one."""
    taken = workflow.snapshot(run, emit=sink())
    pairs = [
        ("snapshot", taken.id),
        ("taken at", taken.taken_at),
        *((name, f"{n:,}") for name, n in taken.rows.items()),
    ]
    answer(as_json, taken.folder / "manifest.json", terminal.facts(pairs))


@app.command()
@told
def assess(
    show_personal_data: PersonalOption = False, run: RunOption = runs.LATEST, as_json: JsonOption = False
) -> None:
    """Ask every check of the snapshot, look at every column; takes a snapshot first where the run has none."""
    found = workflow.assess(run, show_personal_data=show_personal_data, emit=sink())
    answer(as_json, workflow.run_folder(run) / "assessment.json", terminal.assessment(found))


@app.command()
@told
def fixes(run: RunOption = runs.LATEST, as_json: JsonOption = False) -> None:
    """Write fixes.sql: what can be mended safely, in one transaction, for a person to review and run with psql."""
    found = workflow.fixes(run)
    answer(as_json, asdict(found), terminal.fixes(found))


@app.command(name="dry-run")
@told
def dry_run(
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="Run the real phases on a throw-away server too.")
    ] = False,
    run: RunOption = runs.LATEST,
    as_json: JsonOption = False,
) -> None:
    """Predict every row and every reject, offline, from the same SQL that the night runs."""
    found = workflow.dry_run(run, rehearse=rehearse, emit=sink())
    rehearsed = workflow.rehearsed(run)
    shown = (
        [terminal.simulation(found)]
        if rehearsed is None
        else [terminal.rehearsal(rehearsed), terminal.simulation(found)]
    )
    answer(as_json, workflow.run_folder(run) / "simulation.json", Group(*shown))
    if rehearse and rehearsed is not None and rehearsed.problems:
        raise typer.Exit(AnswerIsNo.exit_code)


@app.command(name="explain-record")
@told
def explain_record(
    table: Annotated[str, typer.Argument(help="By its old or its new name: deals or opportunities, contacts, tasks.")],
    key: Annotated[str, typer.Argument(help="The record's id.")],
    show_personal_data: PersonalOption = False,
    run: RunOption = runs.LATEST,
    as_json: JsonOption = False,
) -> None:
    """Follow one record: what it is, which checks find it, what it becomes, what would be refused; offline."""
    found = workflow.explain_record(table, key, run, show_personal_data=show_personal_data, emit=sink())
    answer(as_json, asdict(found), terminal.explanation(found))


@app.command()
@told
def decide(
    approved_by: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who takes the decision; else a draft.")
    ] = None,
    comment: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept with the decision.")] = "",
    run: RunOption = runs.LATEST,
    as_json: JsonOption = False,
) -> None:
    """Say GO or NO-GO with every reason; ends with 3 where the answer is no."""
    found = workflow.decide(run, approved_by=approved_by, comment=comment, emit=sink())
    answer(as_json, workflow.run_folder(run) / "decision.json", terminal.decision(found))
    if found.verdict != "GO":
        raise typer.Exit(AnswerIsNo.exit_code)


@app.command()
@told
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
    answer(as_json, document, terminal.plan(found))


@app.command()
@told
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
    answer(as_json, asdict(found), terminal.diff(found))


@app.command()
@told
def dictionary(run: RunOption = runs.LATEST, as_json: JsonOption = False) -> None:
    """Say what every table, column, enumeration and function of the migrated database is, and where it came from."""
    found = workflow.dictionary(run, emit=sink())
    answer(as_json, workflow.run_folder(run) / "dictionary.json", terminal.dictionary(found))
