"""What a night does before its first change: whether it may, and what is there now. It changes no data."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import psycopg
from psycopg import sql

from crm_migrate import (
    assess,
    backup,
    drift,
    execute,
    gate,
    history,
    inputs,
    maintenance,
    postgres,
    preflight,
    schema,
    simulate,
    snapshot,
)
from crm_migrate.catalog import created
from crm_migrate.demo import inputs_of
from crm_migrate.errors import MigrationError, Refused, Stopped
from crm_migrate.events import Event
from crm_migrate.night import window
from crm_migrate.night.session import proceed
from crm_migrate.night.value import FINAL, Night, fingerprint_of
from crm_migrate.postgres import Connection

_STILL_CLOSED = (
    "Once the server answers, run the same command again: it resumes. To let users write at once: "
    "`crm-migrate window open`."
)
_DECIDE_HERE = "Assess and decide on the database that is to be changed; CRM_MIGRATE_DATABASE_URL says which it is."


@contextmanager
def opens_again(connection: Connection, night: Night) -> Iterator[None]:
    """Open the window if what comes before the first change fails: users lose nothing but the time.

    Raises:
        Stopped: in place of what failed where the server is lost, so that the window may still be closed.
    """
    try:
        yield
    except BaseException as error:
        try:
            if maintenance.is_closed(connection):
                maintenance.open_(connection)
                night.emit(Event("note", night.run_id, "nothing was changed; the window is open again"))
        except psycopg.Error:
            told = execute.stopped(error, f"run {night.run_id}")
            if not isinstance(told, MigrationError):
                raise error from None
            raise Stopped(
                f"{told}. Nothing was changed, but the window may still be closed", hint=_STILL_CLOSED
            ) from error
        raise


def require_ready(connection: Connection, night: Night) -> None:
    """Pre-flight and gate, as far as they can be asked while users still work."""
    decision, decided = night.decision, night.decided
    if decided.database != connection.info.dbname:
        raise Refused(
            f"the decision is about database {decided.database!r}, this is {connection.info.dbname!r}",
            hint=_DECIDE_HERE,
        )
    if decided.system not in ("", postgres.system_identifier(connection)):
        raise Refused(
            f"the decision is about database {decided.database!r} of another server",
            hint=_DECIDE_HERE,
        )
    failed = preflight.run(connection, settings=night.settings, creates=created(night.catalog)).failed
    if failed:
        raise Refused(
            "pre-flight failed: " + "; ".join(f"{check.check}: {check.detail}" for check in failed),
            hint=failed[0].hint,
        )
    execute.require_no_other(connection, night.run_id)
    now = schema.describe(connection)
    fingerprint = fingerprint_of(night.catalog, night.inputs, night.settings, decided, now)
    stages = gate.read(night.folder, decided.id, night.catalog, night.inputs, inputs_folder=inputs_of(night.settings))
    limits, clock = night.settings.criteria, _now(connection)
    gate.check(decision, fingerprint=fingerprint, drift=(), limits=limits, now=clock, stages=stages)


def prepare(connection: Connection, night: Night) -> history.RunRecord:
    """Close the window, look once more at what is there now, and back it up; changes no data."""
    emit, out = night.emit, night.folder / FINAL
    emit(Event("stage", "close", "the window closes: nobody else may write"))
    window.close(connection, night)
    _wait_for_writers(connection)

    proceed(connection, night, "snapshot")
    folder = night.settings.workspace / "snapshots" / f"{night.run_id}-final"
    shutil.rmtree(folder, ignore_errors=True)  # of a call that stopped before the first change
    final = snapshot.take(night.url, folder, emit=emit)
    decided = night.decided
    moved = drift.compare(decided, final)
    now = snapshot.document(final)
    fingerprint = fingerprint_of(night.catalog, night.inputs, night.settings, decided, now)
    gate.check(
        night.decision,
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

    loads = gate.of_the_loads(simulated, night.settings.reject_rows, night.settings.reject_ratio)
    would_stop = [reason for criterion, reason in loads if not criterion.ok]
    if would_stop:
        raise Refused(
            f"since the decision, more rows have come up that a rule refuses: {'; '.join(would_stop)}",
            hint=f"{out / 'rejects.parquet'} names them; mend them and begin again with `crm-migrate assess`.",
        )

    proceed(connection, night, "backup")
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


def _now(connection: Connection) -> datetime:
    """The server's clock: a decision must not last longer where a client's clock is slow."""
    row = connection.execute("select clock_timestamp()").fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment
