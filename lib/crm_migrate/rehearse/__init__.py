"""The rehearsal: the real phases on a throw-away PostgreSQL that is loaded from the snapshot, then taken back (B3).

The throw-away database lies on the embedded server. It gets the schema of the source as pg_dump reads it, the rows of
the snapshot, the analyst's inputs, the plan forwards, the full verification, the plan backwards; then it is dropped.
"""

from __future__ import annotations

import time
from pathlib import Path

import psycopg

from crm_migrate import (
    calibration,
    drift,
    events,
    execute,
    files,
    history,
    inputs,
    rehearsal,
    revert,
    snapshot,
    verify,
)
from crm_migrate.errors import MigrationError
from crm_migrate.events import silent
from crm_migrate.history import RunRecord
from crm_migrate.night import Night
from crm_migrate.rehearsal import Rehearsal
from crm_migrate.rehearse import copy
from crm_migrate.rehearse.measure import Meter, Watched
from crm_migrate.runners import application_name
from crm_migrate.steps import Context
from crm_migrate.verify import Verification

__all__ = ["rehearse"]


def rehearse(night: Night) -> Rehearsal:
    """Run the plan forwards and backwards on a copy, and measure it; writes `rehearsal.json`.

    A phase that fails does not raise: it is what a rehearsal is for, and stands in its result.

    Raises:
        UsageError, Stopped: the copy could not be made; nothing but the copy is touched.
    """
    with (
        files.scratch_folder(night.scratch, "rehearse") as work,
        copy.made(night, work) as copied,
        Watched.connect(copied.url, autocommit=True, application_name=application_name("rehearse")) as connection,
    ):
        speed = calibration.measure(connection)
        with connection.transaction():
            history.prepare(connection, night.catalog)
            inputs.store(connection, night.inputs)
            record = history.begin(connection, night.run_id)
        meter = Meter(connection, night.plan)
        emit = events.tee(night.emit, meter.sink)
        context = Context(
            connection, night.catalog, night.settings, night.run_id, "", record.backup_stamp, emit, lambda: None
        )
        started = time.monotonic()
        failed = _forwards(context, night, record)
        seconds = time.monotonic() - started
        run = execute.state(connection, night.plan, night.run_id)
        verified = None if failed else _verify(context, night, copied, work)
        started = time.monotonic()
        failed_back = _backwards(context, night)
        back = time.monotonic() - started
        moved = drift.compare(copied.start, snapshot.take(copied.url, work / "end", emit=silent))
        result = Rehearsal(
            snapshot_id=night.decided.id,
            sql=night.catalog.fingerprint,
            inputs=night.inputs.fingerprint,
            unit_seconds=speed.unit_seconds,
            seconds=round(seconds, 3),
            revert_seconds=round(back, 3),
            verified=verified is not None and verified.ok,
            failed="; ".join(said for said in (failed, failed_back) if said) or None,
            differing=0 if verified is None else sum(found.differing for found in verified.compared.values()),
            differing_back=sum(table.moved for table in moved.tables),
            left_over=moved.schema,
            not_copied=copied.not_copied,
            steps=meter.result(run),
        )
    rehearsal.save(result, night.folder)
    return result


def _forwards(context: Context, night: Night, record: RunRecord) -> str | None:
    """Every phase; returns what stopped it, if anything did."""
    try:
        execute.phases(
            context.connection,
            night.plan,
            catalog=night.catalog,
            settings=night.settings,
            record=record,
            commit="batch",
            emit=context.emit,
            save=_nothing,
        )
    except (MigrationError, psycopg.Error) as error:
        return _said(error)
    return None


def _backwards(context: Context, night: Night) -> str | None:
    """Every step taken back, as far as it was done; returns what stopped it, if anything did."""
    try:
        revert.revert(context, night.plan, save=_nothing)
    except (MigrationError, psycopg.Error) as error:
        return _said(error)
    return None


def _verify(context: Context, night: Night, copied: copy.Copy, work: Path) -> Verification:
    return verify.verify(
        context,
        night.plan,
        url=copied.url,
        before=night.decided,
        objects=snapshot.document(copied.start),
        given=night.inputs,
        prediction=night.folder / "prediction",
        rejects=night.folder / "rejects.parquet",
        out=work,
        scratch=night.scratch,
    )


def _said(error: MigrationError | psycopg.Error) -> str:
    """What stopped it, without the details of the server's own message, which may quote rows (H3)."""
    return str(error) if isinstance(error, MigrationError) else f"stopped by {type(error).__name__}"


def _nothing(*, now: bool = False) -> None:
    """A rehearsal leaves no run.json."""
