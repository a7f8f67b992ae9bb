"""The night's story, told once: lock, pre-flight, gate, close, final snapshot, backup, phases, verify, open (idea 9).

Until the first change, whatever goes wrong ends with the window open and the database as it was. From then on the
window stays closed until the run is verified, or taken back.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg import sql

from crm_migrate import (
    assess,
    backup,
    dictionary,
    drift,
    events,
    execute,
    gate,
    history,
    inputs,
    maintenance,
    pooler,
    postgres,
    preflight,
    readmit,
    rejects,
    schema,
    simulate,
    snapshot,
    verify,
)
from crm_migrate.catalog import Catalog, created, file_hashes
from crm_migrate.demo import inputs_of
from crm_migrate.errors import Aborted, AnswerIsNo, MigrationError, NoSuchRun, Paused, Refused
from crm_migrate.events import Event, Sink
from crm_migrate.execute import CommitMode, OnFailure, Run
from crm_migrate.gate import Decision, Fingerprint
from crm_migrate.inputs import Inputs
from crm_migrate.plan import Plan
from crm_migrate.postgres import Connection
from crm_migrate.settings import Settings
from crm_migrate.snapshot import Snapshot
from crm_migrate.steps import Context
from crm_migrate.verify import Verification

FINAL = "final"  # the folder, in the run's, of what was assessed and predicted in the closed window
_BEFORE_THE_FIRST_CHANGE = ("close", "snapshot", "backup")


@dataclass(frozen=True, slots=True)
class Night:
    """All that a night needs to know beforehand.

    Attributes:
        url: libpq URI of the database that is changed.
        folder: the run's folder under reports.
        snapshot: the one that the decision was made on, where it is still there; the way back does not need it.
        batch_size: source rows to a transaction, whatever the setting says, which is part of the decision.
    """

    url: str
    run_id: str
    folder: Path
    catalog: Catalog
    plan: Plan
    inputs: Inputs
    settings: Settings
    snapshot: Snapshot | None
    batch_size: int
    emit: Sink

    @property
    def decided(self) -> Snapshot:
        """The snapshot that the decision was made on.

        Raises:
            NoSuchRun: it is gone.
        """
        if self.snapshot is None:
            raise NoSuchRun(
                f"the snapshot of run {self.run_id} is gone", hint="Begin anew with `crm-migrate snapshot`."
            )
        return self.snapshot

    @property
    def scratch(self) -> Path:
        """Where what does not fit into memory goes."""
        return self.settings.workspace / "scratch"


def fingerprint_of(
    catalog: Catalog, given: Inputs, settings: Settings, decided: Snapshot, document: schema.Document
) -> Fingerprint:
    """What a decision is bound to (B5).

    Args:
        document: the schema of the source, as the snapshot has it or as it is now.
    """
    return Fingerprint(
        snapshot=decided.id,
        sql=catalog.fingerprint,
        schema=schema.fingerprint(document),
        inputs=hashlib.sha256(json.dumps(sorted(given.files.items())).encode()).hexdigest(),
        settings=settings.fingerprint(),
        parts={
            "sql": file_hashes(catalog.root),
            "schema": schema.object_hashes(document),
            "inputs": given.files,
            "settings": settings.decided(),
        },
    )


def execute_plan(
    night: Night,
    decision: Decision,
    *,
    confirm: str | None,
    commit: CommitMode,
    on_failure: OnFailure = execute.keep,
) -> Run:
    """Migrate the database, or go on where an earlier call stopped.

    Raises:
        Refused: nothing was changed: no confirmation, no fresh GO, another run, a database that is not ready.
        Stopped: midway; what is committed stays, the window stays closed, the same call goes on. Where `take_back` is
            set on it, whoever called is to take the run back.
        AnswerIsNo: everything ran, but the outcome is not what was predicted; the window stays closed.
    """
    with session(night, "execute") as connection:
        execute.require_database(connection, confirm)
        earlier = history.run(connection, night.run_id)
        if earlier is not None and earlier.stage == "revert":
            _refuse_after_revert(earlier)
        if earlier is not None and earlier.status != "completed" and history.abort_requested(connection, night.run_id):
            raise Refused(
                f"run {night.run_id} is being aborted",
                hint=f"Finish that first: `crm-migrate abort --run {night.run_id} --confirm DATABASE`.",
            )
        if earlier is not None and earlier.status == "completed":
            return _take_rejects_in(connection, night, earlier)
        if earlier is None or earlier.stage in _BEFORE_THE_FIRST_CHANGE:
            with _opens_again(connection, night):
                _require_ready(connection, night, decision)
        with connection.transaction():
            history.prepare(connection, night.catalog)
            record = history.begin(connection, night.run_id)
        aside = rejects.last(connection, night.run_id)  # of earlier calls
        night = replace(night, emit=events.tee(night.emit, kept(connection, night.run_id)))
        with (
            _aborts_as_asked(night),
            execute.saved_state(connection, night.plan, night.run_id, night.folder) as save,
            ends(connection, night),
        ):
            if earlier is not None and earlier.status == "running":
                _tell_of_death(night, earlier)
            if record.stage in _BEFORE_THE_FIRST_CHANGE:
                with _opens_again(connection, night):
                    record = _prepare(connection, night, decision)
            if record.stage != "open":  # else it was verified, and users may have written since
                _close_again(connection, night)
                execute.phases(
                    connection,
                    night.plan,
                    catalog=night.catalog,
                    settings=night.settings.model_copy(update={"batch_size": night.batch_size}),
                    record=record,
                    commit=commit,
                    emit=night.emit,
                    save=save,
                    on_failure=on_failure,
                )
                if aside:
                    readmit.take_in(context(connection, night, record), night.plan, up_to=aside)
                enter(connection, night, "verify")
                if not verified(connection, night, record).ok:
                    raise AnswerIsNo(
                        f"run {night.run_id} is not verified; the window stays closed",
                        hint="`crm-migrate report` shows what differs; mend it and run execute again, or roll back.",
                    )
                enter(connection, night, "open")
            with connection.transaction():
                maintenance.open_(connection)
                history.enter_stage(connection, night.run_id, "done")
                history.end(connection, night.run_id, "completed")
        return execute.state(connection, night.plan, night.run_id)


@contextmanager
def session(night: Night, purpose: str) -> Iterator[Connection]:
    """A session with the migration's lock and its time-outs, acting as the owner of the tables.

    Raises:
        Stopped: the server ended it, or could not do what it was asked; says why.
    """
    with (
        _told(f"run {night.run_id}"),
        postgres.connect(night.url, autocommit=True, purpose=purpose) as connection,
    ):
        pooler.require_own_backend(connection)
        postgres.require_atomic_crm(connection)
        postgres.act_as_owner(connection)
        postgres.set_limits(connection, night.settings.limits() | {"default_transaction_isolation": "read committed"})
        with postgres.migration_lock(connection):
            yield connection


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise execute.stopped(error, what) from error


@contextmanager
def ends(connection: Connection, night: Night) -> Iterator[None]:
    """Note in the database how a run stopped, whatever stopped it, and say it in words."""
    try:
        yield
    except BaseException as error:
        told = execute.stopped(error, f"run {night.run_id}")
        paused = isinstance(told, Paused)
        said = str(told) if isinstance(told, MigrationError) else f"stopped by {type(told).__name__}"
        with suppress(psycopg.Error):  # what cannot be noted now is told by the next call
            if not connection.closed:
                with connection.transaction():
                    status = "paused" if paused else "stopped"
                    history.end(connection, night.run_id, status, error=None if paused else said)
            night.emit(Event("note" if paused else "error", night.run_id, said))
        if told is error:
            raise
        raise told from error


@contextmanager
def _aborts_as_asked(night: Night) -> Iterator[None]:
    """Say that it was asked for, whatever it was that stopped the run; asks in a session that nobody has ended."""
    try:
        yield
    except Exception as error:
        asked = False
        with (
            suppress(MigrationError, psycopg.Error),
            postgres.connect(night.url, autocommit=True, purpose="aborted") as connection,
        ):
            asked = history.abort_requested(connection, night.run_id)
        if asked:
            raise Aborted(night.run_id) from error
        raise


def _tell_of_death(night: Night, earlier: history.RunRecord) -> None:
    night.emit(
        Event(
            "warning",
            night.run_id,
            f"the call before this one (process {earlier.pid} on {earlier.host}) ended without a word; what it "
            "committed is kept",
        )
    )


def _take_rejects_in(connection: Connection, night: Night, record: history.RunRecord) -> Run:
    """Of a completed run, try once more what it set aside; users may be at work."""
    aside = rejects.last(connection, night.run_id)
    if aside:
        with connection.transaction():
            history.prepare(connection, night.catalog)
        night = replace(night, emit=events.tee(night.emit, kept(connection, night.run_id)))
        with execute.saved_state(connection, night.plan, night.run_id, night.folder):
            readmit.take_in(context(connection, night, record), night.plan, up_to=aside)
    return execute.state(connection, night.plan, night.run_id)


def _close_again(connection: Connection, night: Night) -> None:
    """A run that is midway may have been left with the window open, so that users could write."""
    if not maintenance.is_closed(connection):
        night.emit(Event("warning", night.run_id, "the window was opened midway; it closes again before anything else"))
        maintenance.close(connection, grace_seconds=night.settings.grace_seconds, emit=night.emit)


@contextmanager
def _opens_again(connection: Connection, night: Night) -> Iterator[None]:
    """Open the window if what comes before the first change fails: users lose nothing but the time."""
    try:
        yield
    except BaseException:
        if not connection.closed and maintenance.is_closed(connection):
            maintenance.open_(connection)
            night.emit(Event("note", night.run_id, "nothing was changed; the window is open again"))
        raise


def _refuse_after_revert(record: history.RunRecord) -> None:
    if record.status == "rolled_back":
        raise Refused(
            f"run {record.run_id} was taken back; it cannot be executed again",
            hint="Begin a new run: `crm-migrate snapshot`, `assess`, `dry-run`, `decide`, `execute`.",
        )
    raise Refused(
        f"run {record.run_id} is half taken back ({record.status})",
        hint=f"Finish that first: `crm-migrate rollback --run {record.run_id} --confirm DATABASE`.",
    )


def _require_ready(connection: Connection, night: Night, decision: Decision) -> None:
    """Pre-flight and gate, as far as they can be asked while users still work."""
    if night.decided.database != connection.info.dbname:
        raise Refused(
            f"the decision is about database {night.decided.database!r}, this is {connection.info.dbname!r}",
            hint="Assess and decide on the database that is to be changed.",
        )
    failed = preflight.run(connection, settings=night.settings, creates=created(night.catalog)).failed
    if failed:
        raise Refused(
            "pre-flight failed: " + "; ".join(f"{check.check}: {check.detail}" for check in failed),
            hint=failed[0].hint,
        )
    execute.require_no_other(connection, night.run_id)
    now = schema.describe(connection)
    fingerprint = fingerprint_of(night.catalog, night.inputs, night.settings, night.decided, now)
    stages = gate.read(
        night.folder, night.decided.id, night.catalog, night.inputs, inputs_folder=inputs_of(night.settings)
    )
    limits, clock = night.settings.criteria, _now(connection)
    gate.check(decision, fingerprint=fingerprint, drift=(), limits=limits, now=clock, stages=stages)


def _prepare(connection: Connection, night: Night, decision: Decision) -> history.RunRecord:
    """Close the window, look once more at what is there now, and back it up; changes no data."""
    emit, out = night.emit, night.folder / FINAL
    emit(Event("stage", "close", "the window closes: nobody else may write"))
    maintenance.close(connection, grace_seconds=night.settings.grace_seconds, emit=emit)
    _wait_for_writers(connection)

    enter(connection, night, "snapshot")
    folder = night.settings.workspace / "snapshots" / f"{night.run_id}-final"
    shutil.rmtree(folder, ignore_errors=True)  # of a call that stopped before the first change
    final = snapshot.take(night.url, folder, emit=emit)
    moved = drift.compare(night.decided, final)
    now = snapshot.document(final)
    fingerprint = fingerprint_of(night.catalog, night.inputs, night.settings, night.decided, now)
    gate.check(
        decision,
        fingerprint=fingerprint,
        drift=moved.tables,
        limits=night.settings.criteria,
        now=_now(connection),
    )
    out.mkdir(exist_ok=True)
    assessed = assess.assess(final, night.catalog, night.inputs, out=out, scratch=night.scratch, emit=emit)
    simulated = simulate.simulate(final, night.catalog, night.inputs, out=out, scratch=night.scratch, emit=emit)
    limits = night.settings.criteria
    if assessed.blocker_rows > limits.blocker_rows or simulated.late_rejects > limits.late_rejects:
        raise Refused(
            f"since the decision, {assessed.blocker_rows:,} rows with a blocker and {simulated.late_rejects:,} rows "
            "that a key would refuse have come up",
            hint=f"{out / 'findings.parquet'} names them; mend them and begin again with `crm-migrate assess`.",
        )

    enter(connection, night, "backup")
    dump = backup.dump(night.url, night.settings.workspace / "dumps" / night.run_id, emit=emit)
    with connection.transaction():
        inputs.store(connection, night.inputs)
        history.enter_stage(
            connection, night.run_id, "phases", snapshot=str(final.folder.resolve()), dump=str(dump.path.resolve())
        )
    emit(Event("stage", "phases", "the first change comes now"))
    record = history.run(connection, night.run_id)
    assert record is not None
    return record


def _wait_for_writers(connection: Connection) -> None:
    """Let transactions that wrote before the window closed come to their end, so that the snapshot misses none of them.

    Raises:
        Refused: one goes on for longer than lock_timeout_ms.
    """
    tables = sql.SQL(", ").join(sql.Identifier("public", table) for table in postgres.SOURCE_TABLES)
    try:
        with connection.transaction():
            connection.execute(sql.SQL("lock table {} in share mode").format(tables))
    except psycopg.errors.LockNotAvailable:
        raise Refused(
            "somebody's transaction goes on writing after the window closed",
            hint="End that session, or raise lock_timeout_ms and decide anew; then run the same command again.",
        ) from None


def verified(connection: Connection, night: Night, record: history.RunRecord) -> Verification:
    """Compare the database with the final snapshot and with what was predicted of it, and describe it; reads only."""
    final = snapshot.load(Path(record.facts["snapshot"]))
    verification = verify.verify(
        context(connection, night, record),
        night.plan,
        url=night.url,
        before=final,
        given=night.inputs,
        prediction=night.folder / FINAL / "prediction",
        rejects=night.folder / FINAL / "rejects.parquet",
        out=night.folder,
        scratch=night.scratch,
    )
    dictionary.save(dictionary.read(connection, night.catalog), night.folder)
    return verification


def context(connection: Connection, night: Night, record: history.RunRecord) -> Context:
    """What a step works with where no batch is to be interrupted."""
    return Context(
        connection,
        night.catalog,
        night.settings,
        night.run_id,
        "",
        record.backup_stamp,
        night.emit,
        lambda: None,
    )


def _now(connection: Connection) -> datetime:
    """The server's clock: a decision must not last longer where a client's clock is slow."""
    row = connection.execute("select clock_timestamp()").fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment


def enter(connection: Connection, night: Night, stage: str) -> None:
    """Note in the database, and say, that a run has come to a stage."""
    history.enter_stage(connection, night.run_id, stage)
    night.emit(Event("stage", stage, f"{stage} begins"))


def kept(connection: Connection, run_id: str) -> Sink:
    """A sink that appends to migration.events, in whatever transaction is open; progress goes to files only."""

    def keep(event: Event, /) -> None:
        idle = connection.info.transaction_status != psycopg.pq.TransactionStatus.INERROR
        if event.kind != "progress" and not connection.closed and idle:
            history.add_event(connection, run_id, event.kind, event.name, event.message)

    return keep
