"""The story, a function a stage: snapshot, assess, dry_run, decide, plan, execute, verify, revert, report, status.

Each goes from the run's saved stages to one frozen value, saved as JSON in `reports/<run_id>/`. Notebooks and the
command line call these; neither holds logic. `run_id` is a run's id, "latest", or "new"; settings come from the
environment where none are given; `emit` is told what goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from crm_migrate import abort as aborting
from crm_migrate import (
    afterwards,
    basis,
    calibration,
    elsewhere,
    embedded,
    events,
    files,
    forecast,
    gate,
    history,
    night,
    postgres,
    preflight,
    rehearsal,
    retention,
    runs,
    wayback,
)
from crm_migrate import assess as assessing
from crm_migrate import catalog as catalogs
from crm_migrate import detach as detaching
from crm_migrate import diff as differences
from crm_migrate import execute as executing
from crm_migrate import explain as explaining
from crm_migrate import fixes as fixing
from crm_migrate import inputs as inputs_module
from crm_migrate import monitor as monitoring
from crm_migrate import plan as planning
from crm_migrate import profile as profiling
from crm_migrate import rehearse as rehearsing
from crm_migrate import rejects as rejecting
from crm_migrate import settings as settings_module
from crm_migrate import simulate as simulating
from crm_migrate import snapshot as snapshots
from crm_migrate import usage as usages
from crm_migrate import verify as verifying
from crm_migrate import window as windows
from crm_migrate.assess import Assessment
from crm_migrate.calibration import Calibration
from crm_migrate.catalog import Catalog
from crm_migrate.demo import inputs_of
from crm_migrate.detach import Detached
from crm_migrate.dictionary import Dictionary
from crm_migrate.diff import Diff
from crm_migrate.elsewhere import Restored
from crm_migrate.embedded import database_url
from crm_migrate.errors import BadInputs, ChangedByHand, DamagedFile, NoSuchRun, Refused, Stopped
from crm_migrate.events import Sink, silent
from crm_migrate.execute import CommitMode, OnFailure, Run
from crm_migrate.explain import Explanation
from crm_migrate.fixes import Fixes
from crm_migrate.gate import Decision
from crm_migrate.inputs import Inputs
from crm_migrate.monitor import Sight
from crm_migrate.night import Night
from crm_migrate.plan import Plan
from crm_migrate.preflight import Preflight
from crm_migrate.rehearsal import Rehearsal
from crm_migrate.rejects import Reject
from crm_migrate.retention import Leftovers
from crm_migrate.settings import Settings
from crm_migrate.simulate import Simulation
from crm_migrate.snapshot import Snapshot
from crm_migrate.usage import Usage
from crm_migrate.verify import Verification
from crm_migrate.wayback import Outlook
from crm_migrate.window import WindowState

if TYPE_CHECKING:
    from crm_migrate.report.export import Exported
    from crm_migrate.report.runner import Done

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Status:
    """Which stages a run has been through; a stage is None where it was not reached yet.

    Attributes:
        doubt: what is wrong with the decision, which then counts as none; None where nothing is.
    """

    run_id: str
    snapshot: Snapshot | None
    assessment: Assessment | None
    simulation: Simulation | None
    decision: Decision | None
    run: Run | None
    verification: Verification | None
    doubt: str | None = None

    @property
    def stage(self) -> str:
        """The last stage that was reached, in one word."""
        if self.run is not None:
            return self.run.status
        reached = [
            name
            for name, value in (
                ("snapshot", self.snapshot),
                ("assessed", self.assessment),
                ("simulated", self.simulation),
                ("decided", self.decision),
            )
            if value is not None
        ]
        return reached[-1] if reached else "begun"


@dataclass(frozen=True, slots=True)
class SetAside:
    """The rejects of a run, in the order in which they were set aside.

    Attributes:
        masked: whether texts in the rows that may tell of a person are masked.
    """

    run_id: str
    database: str
    masked: bool
    rejects: tuple[Reject, ...]


def snapshot(run_id: str = runs.NEW, *, settings: Settings | None = None, emit: Sink = silent) -> Snapshot:
    """Take a consistent snapshot of the source (A1); a run that has one already keeps it."""
    chosen = settings or settings_module.load()
    folder = _begun(run_id, chosen)
    earlier = _if_there(lambda: snapshots.of_run(folder))
    if earlier is not None:
        return earlier
    with postgres.connect(database_url(chosen), autocommit=True, purpose="snapshot") as connection:
        executing.require_no_runner(connection, "the snapshot")
        executing.require_no_other(connection, folder.name)
    place = chosen.workspace / "snapshots" / folder.name
    taken = _if_there(lambda: snapshots.load(place))  # the server may have been lost behind its manifest
    if taken is None:
        taken = snapshots.take(database_url(chosen), place, emit=_logged(chosen, emit))
    with postgres.connect(database_url(chosen), autocommit=True, purpose="calibrate") as connection:
        speed = calibration.measure(connection)
    named = snapshots.Reference(taken.id, str(place.resolve()), taken.rows, speed)
    files.write_json(folder / snapshots.REFERENCE, asdict(named))
    return taken


def assess(
    run_id: str = runs.LATEST,
    *,
    show_personal_data: bool = False,
    settings: Settings | None = None,
    emit: Sink = silent,
) -> Assessment:
    """Ask every check of the snapshot and look at every column (A2-A7); takes a snapshot first where there is none.

    Args:
        show_personal_data: whether the profile and the totals, which lie in the run's folder, show names and addresses
            as they are.
    """
    chosen = settings or settings_module.load()
    catalog, given = _catalog_and_inputs(chosen)
    folder = _begun(run_id, chosen)
    taken = snapshot(folder.name, settings=chosen, emit=emit)
    scratch = chosen.workspace / "scratch"
    assessment = assessing.assess(
        taken,
        catalog,
        given,
        out=folder,
        scratch=scratch,
        emit=_logged(chosen, emit),
        show_personal_data=show_personal_data,
    )
    profiling.profile(taken, catalog.prelude, out=folder, scratch=scratch, show_personal_data=show_personal_data)
    basis.note(folder, "the assessment", catalog, given)
    return assessment


def fixes(run_id: str = runs.LATEST, *, settings: Settings | None = None, emit: Sink = silent) -> Fixes:
    """Write `fixes.sql`, which mends what the assessment found as far as that is safe (A6); asks no database."""
    chosen = settings or settings_module.load()
    catalog, given = _catalog_and_inputs(chosen)
    folder = runs.folder(run_id, chosen.reports)
    taken, found, scratch = snapshots.of_run(folder), assessing.load(folder), chosen.workspace / "scratch"
    return fixing.write(taken, found, catalog, given, run_id=folder.name, out=folder, scratch=scratch)


def dry_run(
    run_id: str = runs.LATEST, *, rehearse: bool = False, settings: Settings | None = None, emit: Sink = silent
) -> Simulation:
    """Predict every row and reject in DuckDB (B1, B2); with `rehearse`, run the real phases on a throw-away server."""
    chosen = settings or settings_module.load()
    catalog, given = _catalog_and_inputs(chosen)
    folder = runs.folder(run_id, chosen.reports)
    taken = snapshots.of_run(folder)
    simulation = simulating.simulate(
        taken, catalog, given, out=folder, scratch=chosen.workspace / "scratch", emit=_logged(chosen, emit)
    )
    rehearsed = rehearsing.rehearse(_tonight(chosen, folder, emit)) if rehearse else _rehearsed(folder, catalog, given)
    speed, estimate = _calibration(folder), simulation.estimate
    if rehearsed is not None and rehearsed.failed is None:
        estimate = forecast.from_rehearsal(estimate, rehearsed, speed)
    else:
        estimate = forecast.from_calibration(estimate, catalog, simulation.models, speed)
    simulation = replace(simulation, estimate=estimate)
    simulating.save(simulation, folder)
    basis.note(folder, "the dry run", catalog, given)
    return simulation


def explain_record(
    table: str,
    key: str | None,
    run_id: str = runs.LATEST,
    *,
    show_personal_data: bool = False,
    settings: Settings | None = None,
    emit: Sink = silent,
) -> Explanation:
    """Follow one record: what it is, which checks find it, what it becomes in every table, what would be refused.

    Args:
        table: by its old or its new name.
        key: the record's id; None for the lowest one.
    """
    chosen = settings or settings_module.load()
    catalog, given = _catalog_and_inputs(chosen)
    folder = runs.folder(run_id, chosen.reports)
    return explaining.explain(
        snapshots.of_run(folder),
        catalog,
        given,
        folder,
        table,
        key,
        scratch=chosen.workspace / "scratch",
        show_personal_data=show_personal_data,
    )


def rehearsed(run_id: str = runs.LATEST, *, settings: Settings | None = None) -> Rehearsal | None:
    """The rehearsal of a run, where there was one of the same snapshot, SQL and inputs."""
    chosen = settings or settings_module.load()
    catalog, given = _catalog_and_inputs(chosen)
    return _rehearsed(runs.folder(run_id, chosen.reports), catalog, given)


def decide(
    run_id: str = runs.LATEST,
    *,
    approved_by: str | None = None,
    comment: str = "",
    settings: Settings | None = None,
    emit: Sink = silent,
) -> Decision:
    """Say GO or NO_GO with every reason (B4, B5); without `approved_by` it is a draft, which execution refuses.

    `comment` is kept with it: why whoever takes it does so.

    A draft does not displace an approved decision that still holds, on what the stages say now: that one is returned.

    Raises:
        Refused: the run has changed the database already; its decision stays as it was.
    """
    chosen = settings or settings_module.load()
    catalog, given = _catalog_and_inputs(chosen)
    folder = runs.folder(run_id, chosen.reports)
    taken = snapshots.of_run(folder)
    basis.require(folder, catalog, given)
    stages = gate.read(folder, taken.id, catalog, given, inputs_folder=inputs_of(chosen))
    try:
        earlier = None if approved_by else _approved(folder, chosen, stages)
    except (ChangedByHand, DamagedFile):
        earlier = None
    if earlier is not None:
        return earlier
    _require_unchanged(folder.name, chosen)
    fingerprint = night.fingerprint_of(catalog, given, chosen, taken, snapshots.document(taken))
    surroundings = doctor(settings=chosen, emit=emit)
    decision = gate.decide(
        gate.Evidence(
            stages.assessment,
            stages.simulation,
            surroundings,
            rehearsal=stages.rehearsal,
            checklist=stages.checklist,
            reject_rows=chosen.reject_rows,
            reject_ratio=chosen.reject_ratio,
        ),
        fingerprint=fingerprint,
        limits=chosen.criteria,
        approved_by=approved_by,
        comment=comment,
        now=datetime.now(UTC),
    )
    gate.save(decision, folder)
    return decision


def doctor(*, settings: Settings | None = None, emit: Sink = silent) -> Preflight:
    """Pre-flight alone: who and where am I, may I, is there room; reads only."""
    chosen = settings or settings_module.load()
    with postgres.connect(database_url(chosen), autocommit=True, purpose="doctor") as connection:
        postgres.require_atomic_crm(connection)
        return preflight.run(connection, settings=chosen, creates=catalogs.created(catalogs.load()))


def plan(run_id: str = runs.LATEST, *, settings: Settings | None = None, emit: Sink = silent) -> Plan:
    """The phases and steps in order; the same for every run, read from `sql/plan.toml`."""
    return planning.build(catalogs.load())


def execute(
    run_id: str = runs.LATEST,
    *,
    confirm: str | None = None,
    commit: CommitMode = "batch",
    on_failure: OnFailure = executing.keep,
    batch_size: int | None = None,
    settings: Settings | None = None,
    emit: Sink = silent,
) -> Run | None:
    """Migrate the database (C), or go on where it stopped; without `confirm` only look at what was done so far.

    Args:
        confirm: the database's own name, typed back.
        on_failure: asked when a step has failed; on "abort" the whole run is taken back.
        batch_size: source rows to a transaction; the setting's where None.

    Returns:
        How far the run is, or None where it was only looked at and not executed yet.
    """
    chosen = settings or settings_module.load()
    if confirm is None:
        return _if_there(lambda: executing.load(runs.folder(run_id, chosen.reports)))
    folder = _folder_to_execute(run_id, chosen)
    tonight = _tonight(chosen, folder, emit, batch_size=batch_size)
    try:
        return night.execute_plan(tonight, confirm=confirm, commit=commit, on_failure=on_failure)
    except Stopped as failure:
        if failure.take_back:
            wayback.after_failure(tonight, failure, confirm=confirm)
        raise


def detach(
    run_id: str = runs.LATEST,
    *,
    confirm: str,
    commit: CommitMode = "batch",
    on_failure: Literal["keep", "abort"] | None = None,
    batch_size: int | None = None,
    settings: Settings | None = None,
    emit: Sink = silent,
) -> Detached:
    """Begin `execute` in a process of its own, which outlives this one; waits until it is at work, or has failed."""
    chosen = settings or settings_module.load()
    folder = runs.folder(run_id, chosen.reports)
    given = {"--run": folder.name, "--confirm": confirm, "--commit": commit}
    given |= {"--on-failure": on_failure} if on_failure is not None else {}
    given |= {"--batch-size": str(batch_size)} if batch_size is not None else {}
    arguments = ["execute", *(part for pair in given.items() for part in pair)]
    output = chosen.log_file.with_name(f"{folder.name}.out")
    return detaching.begin(arguments, url=database_url(chosen), run_id=folder.name, output=output)


def rejects(
    run_id: str = runs.LATEST,
    *,
    show_personal_data: bool = False,
    settings: Settings | None = None,
    emit: Sink = silent,
) -> SetAside:
    """List the rows that a run could not bring in (C6); reads only.

    Raises:
        NoSuchRun: it was not executed in this database.
    """
    chosen = settings or settings_module.load()
    found = runs.folder(run_id, chosen.reports).name
    with postgres.connect(database_url(chosen), autocommit=True, purpose="rejects") as connection:
        postgres.require_atomic_crm(connection)
        postgres.act_as_owner(connection)
        if history.run(connection, found) is None:
            raise NoSuchRun(f"run {found} was not executed in this database", hint="`crm-migrate execute` migrates it.")
        listed = rejecting.listed(connection, found, show_personal_data=show_personal_data)
        return SetAside(found, connection.info.dbname, not show_personal_data, listed)


def verify(run_id: str = runs.LATEST, *, settings: Settings | None = None, emit: Sink = silent) -> Verification:
    """Compare the database with the prediction and with what was before (D1, D3); reads only."""
    chosen = settings or settings_module.load()
    return afterwards.verify(_tonight(chosen, runs.folder(run_id, chosen.reports), emit))


def dictionary(run_id: str = runs.LATEST, *, settings: Settings | None = None, emit: Sink = silent) -> Dictionary:
    """Say what every table, column and function of the migrated database is and where it came from; reads only."""
    chosen = settings or settings_module.load()
    return afterwards.describe(_tonight(chosen, runs.folder(run_id, chosen.reports), emit))


def revert(
    run_id: str = runs.LATEST,
    *,
    confirm: str | None,
    restore: bool = False,
    override: str | None = None,
    agree: wayback.Agree = lambda outlook: True,
    settings: Settings | None = None,
    emit: Sink = silent,
) -> Run:
    """Take the migration back: in place, keeping what users wrote since, or from the dump (E1).

    Args:
        override: why it is taken back later than 48 hours after its end, or None.
        agree: is told what will become of users' writes, before anything happens, and says whether to go on.
    """
    chosen = settings or settings_module.load()
    tonight = _way_back(chosen, run_id, emit)
    way = wayback.restore if restore else wayback.roll_back
    return way(tonight, confirm=confirm, override=override, agree=agree)


def restore_into(
    run_id: str = runs.LATEST, *, database: str, settings: Settings | None = None, emit: Sink = silent
) -> Restored:
    """Bring the run's dump into another, empty database of the same server; the migrated one stays as it is (E1)."""
    chosen = settings or settings_module.load()
    return elsewhere.restore_into(_way_back(chosen, run_id, emit), database)


def outlook(run_id: str = runs.LATEST, *, restore: bool = False, settings: Settings | None = None) -> Outlook:
    """Say what a way back would keep, archive and lose; changes nothing."""
    chosen = settings or settings_module.load()
    return wayback.outlook(_way_back(chosen, run_id, silent), restore=restore)


def window(*, settings: Settings | None = None, emit: Sink = silent) -> WindowState:
    """Whether users may write, since when not, and by which run; reads only."""
    return windows.status(database_url(settings or settings_module.load()))


def open_window(*, settings: Settings | None = None, emit: Sink = silent) -> WindowState:
    """Open a window that a run left closed, exactly as it was stored; refused while a runner is at work."""
    chosen = settings or settings_module.load()
    return windows.open_(database_url(chosen), emit=_logged(chosen, emit))


def abort(
    run_id: str = runs.LATEST, *, confirm: str | None, settings: Settings | None = None, emit: Sink = silent
) -> Run:
    """Stop the run that is under way, whoever drives it, take it back in place, and open the window."""
    chosen = settings or settings_module.load()
    if run_id == runs.LATEST:
        run_id = aborting.under_way(database_url(chosen)) or run_id
    return aborting.abort(_way_back(chosen, run_id, emit), confirm=confirm)


def diff(before: str | None = None, after: str | None = None, *, settings: Settings | None = None) -> Diff:
    """Compare the snapshots of two runs, the two latest where none is named; asks no database."""
    chosen = settings or settings_module.load()
    return differences.between(before, after, reports=chosen.reports, workspace=chosen.workspace)


def report(run_id: str = runs.LATEST, *, settings: Settings | None = None, emit: Sink = silent) -> Path:
    """Write the pages of a run anew from its saved files, and the index of all runs; returns the run's index (F1)."""
    chosen = settings or settings_module.load()
    from crm_migrate.report import pages  # nbconvert takes a second to import, which every other command would wait

    return pages.write(runs.folder(run_id, chosen.reports))


def export(
    run_id: str = runs.LATEST,
    *,
    show_personal_data: bool = False,
    settings: Settings | None = None,
    emit: Sink = silent,
) -> Exported:
    """Write findings and rejects as CSV and Excel, decision and report as PDF; what a night set aside is asked for."""
    from crm_migrate.report import export as exporting  # as in `report`

    chosen = settings or settings_module.load()
    folder = runs.folder(run_id, chosen.reports)
    executed = _if_there(lambda: executing.load(folder)) is not None
    aside = rejects(folder.name, show_personal_data=show_personal_data, settings=chosen).rejects if executed else None
    return exporting.write(folder, aside, show_personal_data=show_personal_data)


def status(run_id: str = runs.LATEST, *, settings: Settings | None = None, emit: Sink = silent) -> Status:
    """What the saved files say of a run; asks no database."""
    chosen = settings or settings_module.load()
    folder = runs.folder(run_id, chosen.reports)
    decision, doubt = None, None
    try:
        decision = _if_there(lambda: gate.load(folder))
    except ChangedByHand as error:
        doubt = str(error)
    return Status(
        run_id=folder.name,
        snapshot=_if_there(lambda: snapshots.of_run(folder)),
        assessment=_if_there(lambda: assessing.load(folder)),
        simulation=_if_there(lambda: simulating.load(folder)),
        decision=decision,
        run=_if_there(lambda: executing.load(folder)),
        verification=_if_there(lambda: verifying.load(folder)),
        doubt=doubt,
    )


def run(
    run_id: str | None = None,
    *,
    until: runs.Stage = "verify",
    confirm: str | None = None,
    parameters: Mapping[str, str] | None = None,
    settings: Settings | None = None,
    emit: Sink = silent,
) -> Done:
    """Execute the notebooks, which call the verbs above, and write their pages (F1).

    Args:
        run_id: None for a new run; with `confirm`, for the latest one where it is approved and not finished yet.
    """
    from crm_migrate.report import runner  # as in `report`

    chosen = settings or settings_module.load()
    if run_id is None:
        runner.check_parameters(parameters or {}, until=until)  # before a run begins, which would be the latest then
        going_on = confirm is not None and _is_approved_and_unfinished(chosen)
        run_id = runs.LATEST if going_on else runs.NEW
    folder = _begun(run_id, chosen)
    return runner.run_notebooks(folder, until=until, parameters=parameters, confirm=confirm, emit=_logged(chosen, emit))


def monitor(run_id: str = runs.LATEST, *, settings: Settings | None = None, emit: Sink = silent) -> Sight:
    """See how a run is, whoever drives it and wherever; from its files where the database does not answer.

    Args:
        run_id: `latest` is the one that is under way in the database, else the last one that began.
    """
    chosen = settings or settings_module.load()
    named, here = None if run_id == runs.LATEST else run_id, runs.listed(chosen.reports)
    built = planning.build(catalogs.load())
    if chosen.database_url is None and not embedded.is_running(chosen.workspace):
        return monitoring.from_files(here, named, why="The embedded PostgreSQL does not run.")
    return monitoring.anywhere(database_url(chosen), built, named, here)


def pause(*, settings: Settings | None = None, emit: Sink = silent) -> str:
    """Ask the run that is under way to pause between two batches, steps or stages; returns its id.

    Raises:
        NoSuchRun: none is under way in this database.
        Refused: it is being taken back.
    """
    with postgres.connect(database_url(settings or settings_module.load()), purpose="pause") as connection:
        driven = history.exists(connection) and postgres.lock_holder(connection) is not None
        back = next((run for run in history.runs(connection) if (run.status, run.stage) == ("running", "revert")), None)
        if driven and back is not None:
            raise Refused(f"run {back.run_id} is being taken back, which is not paused", hint="Wait for its end.")
        run_id = history.request_pause(connection) if driven else None
    if run_id is None:
        raise NoSuchRun(
            "no run is under way in this database", hint="`crm-migrate status` says how the last one ended."
        )
    return run_id


def cleanup(
    *,
    confirm: str | None = None,
    compatibility: bool = False,
    archive: bool = False,
    settings: Settings | None = None,
    emit: Sink = silent,
) -> Leftovers:
    """List what a migration has left, and when it may go; remove what may go by now with `confirm` (E3).

    Args:
        confirm: the database's own name, typed back.
        compatibility: the old names are to go, too; refused where somebody uses them.
        archive: what users wrote and no migration has brought back is to go for good, too, where it is old enough.
    """
    chosen = settings or settings_module.load()
    emit = _logged(chosen, emit)
    with postgres.connect(database_url(chosen), autocommit=True, purpose="cleanup") as connection:
        postgres.require_atomic_crm(connection)
        postgres.act_as_owner(connection)
        postgres.set_limits(connection, chosen.limits())
        if confirm is not None:
            executing.require_database(connection, confirm)
        with postgres.migration_lock(connection) if confirm is not None else nullcontext():
            remove = confirm is not None
            return retention.clean(
                connection, catalogs.load(), chosen, remove=remove, views=compatibility, archive=archive, emit=emit
            )


def observe(run_id: str = runs.LATEST, *, settings: Settings | None = None, emit: Sink = silent) -> Usage:
    """Note who uses the old names now, and return all that was noted so far (E3); saved as the run's `usage.json`."""
    chosen = settings or settings_module.load()
    folder = runs.folder(run_id, chosen.reports)
    with postgres.connect(database_url(chosen), autocommit=True, purpose="observe") as connection:
        postgres.require_atomic_crm(connection)
        postgres.act_as_owner(connection)
        if not history.exists(connection):
            raise NoSuchRun("no migration has left its state in this database", hint="There are no old names to watch.")
        found = usages.observe(connection, catalogs.load())
    usages.save(found, folder)
    return found


def old_names(*, settings: Settings | None = None) -> str:
    """What became of the old names, in a sentence, where they were taken away; empty where they answer."""
    with postgres.connect(database_url(settings or settings_module.load()), purpose="status") as connection:
        return usages.taken_away(connection)


def run_folder(run_id: str = runs.LATEST, settings: Settings | None = None) -> Path:
    """Where a run's files lie."""
    return runs.folder(run_id, (settings or settings_module.load()).reports)


def _approved(folder: Path, settings: Settings, stages: gate.Stages | None = None) -> Decision | None:
    """The approved decision of a run, where there is one and it still holds.

    Raises:
        ChangedByHand: there is one, but its signature does not fit.
    """
    taken = _if_there(lambda: snapshots.of_run(folder))
    if taken is None:
        return None
    catalog, given = _catalog_and_inputs(settings)
    fingerprint = night.fingerprint_of(catalog, given, settings, taken, snapshots.document(taken))
    try:
        decision = gate.load(folder)
        limits, now = settings.criteria, datetime.now(UTC)
        gate.check(decision, fingerprint=fingerprint, drift=(), limits=limits, now=now, stages=stages)
    except ChangedByHand:
        raise
    except (NoSuchRun, Refused):
        return None
    return decision


def _require_unchanged(run_id: str, settings: Settings) -> None:
    """Check that a run may still be decided on: what it was begun on is kept as it was.

    Raises:
        Refused: its first change has begun.
    """
    with postgres.connect(database_url(settings), autocommit=True, purpose="decide") as connection:
        record = history.run(connection, run_id)
    if record is not None and record.has_changed:
        ended = record.status in ("completed", "rolled_back")
        raise Refused(
            f"run {run_id} has changed the database already ({record.status}); its decision stays as it was",
            hint="Begin a new run: `crm-migrate snapshot`." if ended else f"It needs none: {history.ways_on(record)}.",
        )


def _rehearsed(folder: Path, catalog: Catalog, given: Inputs) -> Rehearsal | None:
    """The rehearsal of a run, where there was one of the same snapshot, SQL and inputs."""
    return rehearsal.of(folder, snapshots.of_run(folder).id, sql=catalog.fingerprint, inputs=given.fingerprint)


def _calibration(folder: Path) -> Calibration | None:
    """How fast the server was when the snapshot was taken; None for a run of an earlier version."""
    return snapshots.reference(folder).calibration


def _is_approved_and_unfinished(settings: Settings) -> bool:
    found = runs.listed(settings.reports)
    if not found:
        return False
    executed = _if_there(lambda: executing.load(found[-1]))
    unfinished = executed is None or executed.status in ("running", "stopped", "paused")
    return unfinished and _approved(found[-1], settings) is not None


def _begun(run_id: str, settings: Settings) -> Path:
    """The folder of a run; one that begins now begins only where there is an Atomic CRM."""
    if run_id == runs.NEW or (run_id == runs.LATEST and not runs.listed(settings.reports)):
        with postgres.connect(database_url(settings), purpose="begin") as connection:
            server = postgres.require_atomic_crm(connection)
        if server.migrated:
            raise Refused(
                f"{server.place} is migrated already",
                hint="Verify or take back the run that did it; `crm-migrate status` says how it went.",
            )
        run_id = runs.NEW
    return runs.folder(run_id, settings.reports)


def _catalog_and_inputs(settings: Settings, *, needed: bool = True) -> tuple[Catalog, Inputs]:
    """All of `sql/` and of the analyst's files; those that cannot be read count as none where they are not needed."""
    catalog = catalogs.load()
    settings_module.require_steps(settings, (step.name for phase in catalog.phases for step in phase.steps))
    options = {"link_deal_contacts": settings.link_deal_contacts}
    try:
        return catalog, inputs_module.load(catalog.root / "mappings", inputs_of(settings), options=options)
    except BadInputs:
        if needed:
            raise
    return catalog, inputs_module.load(catalog.root / "mappings", None, options=options)


def _way_back(settings: Settings, run_id: str, emit: Sink) -> Night:
    """A night that is taken back: what was given to it stands in the database, and files are not asked any more."""
    return _tonight(settings, _folder_to_take_back(run_id, settings), emit, needs_files=False)


def _folder_to_take_back(run_id: str, settings: Settings) -> Path:
    """The folder of a run; made anew where it is lost and the database knows the run."""
    try:
        return runs.folder(run_id, settings.reports)
    except NoSuchRun:
        known = aborting.begun(database_url(settings))
        lost = known[-1] if known and run_id == runs.LATEST else run_id
        if lost not in known:
            raise
    (settings.reports / lost).mkdir(parents=True)
    return settings.reports / lost


def _folder_to_execute(run_id: str, settings: Settings) -> Path:
    try:
        return runs.folder(run_id, settings.reports)
    except NoSuchRun:
        midway = aborting.under_way(database_url(settings))
        if midway is None:
            raise
    raise NoSuchRun(
        f"run {midway} is midway in this database, and its folder is not in {settings.reports}",
        hint="Bring that folder back from a copy, then run the same command again; without one `crm-migrate abort "
        "--confirm DATABASE` takes the run back and opens the window.",
    )


def _tonight(
    settings: Settings, folder: Path, emit: Sink, *, batch_size: int | None = None, needs_files: bool = True
) -> Night:
    catalog, given = _catalog_and_inputs(settings, needed=needs_files)
    return Night(
        url=database_url(settings),
        run_id=folder.name,
        folder=folder,
        catalog=catalog,
        plan=planning.build(catalog),
        inputs=given,
        settings=settings,
        batch_size=settings.batch_size if batch_size is None else batch_size,
        emit=events.tee(_logged(settings, emit), events.jsonl_sink(folder / "events.jsonl")),
    )


def _logged(settings: Settings, emit: Sink) -> Sink:
    """What the caller wants to hear, and the log file (C11)."""
    return events.tee(emit, events.log_sink(settings.log_file))


def _if_there(load: Callable[[], T]) -> T | None:
    try:
        return load()
    except NoSuchRun:
        return None
