"""The session of a night, or of the way back: what it holds, how it is told of, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import psycopg

from crm_migrate import events, execute, history, pooler, postgres, watch
from crm_migrate.errors import Aborted, MigrationError, Paused, ServerUnreachable, Stopped, UsageError
from crm_migrate.events import Event, Kind, Sink
from crm_migrate.night import window
from crm_migrate.night.value import Night
from crm_migrate.postgres import Connection
from crm_migrate.steps import Context

_TRIES = 3  # an abort cancels twice a second, and ends a session rather than cancel it for long
_LOST = (
    "Bring it back from a copy, then run the same command again: it resumes. Without it the run can only be taken "
    "back: `crm-migrate abort --confirm DATABASE`."
)


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
    except (psycopg.Error, OSError) as error:
        raise execute.stopped(error, what) from error


@contextmanager
def midway(night: Night) -> Iterator[None]:
    """Stop a run that lacks a file of its own once the database is changed: it is not as if nothing had begun.

    Raises:
        Stopped: in place of what says that a file is lost or damaged.
    """
    try:
        yield
    except ServerUnreachable:
        raise
    except UsageError as error:
        raise Stopped(f"run {night.run_id} stopped: {error}", hint=_LOST) from error


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
            hint = told.hint if isinstance(told, MigrationError) and told.hint else None
            kind: Kind = "note" if paused else "error"
            night.emit(Event(kind, night.run_id, said, hint=hint, sqlstate=_sqlstate(error)))
        if told is error:
            raise
        raise told from error


def _sqlstate(error: BaseException) -> str | None:
    """Of the server's error that an error came of."""
    found: BaseException | None = error
    while found is not None and not isinstance(found, psycopg.Error):
        found = found.__cause__
    return None if found is None else found.sqlstate


@contextmanager
def aborts_as_asked(night: Night) -> Iterator[None]:
    """Say that it was asked for, whatever it was that stopped the run."""
    try:
        yield
    except Exception as error:
        if _abort_requested(night):
            raise Aborted(night.run_id) from error
        raise


def _abort_requested(night: Night) -> bool:
    """Ask in a session that nobody has ended, and again where the abort cancels this one like all of the process."""
    with suppress(MigrationError):
        for _ in range(_TRIES):
            with (
                suppress(psycopg.Error),
                postgres.connect(night.url, autocommit=True, purpose="aborted") as connection,
            ):
                return history.abort_requested(connection, night.run_id)
    return False


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


@contextmanager
def watched(connection: Connection, night: Night, stage: str) -> Iterator[Night]:
    """Give the night as one that is watched: somebody sees how far it is, and stops it before a disk is full.

    Args:
        stage: the one that it is in.
    """
    with watch.watching(
        connection,
        night.plan,
        url=night.url,
        run_id=night.run_id,
        folder=night.folder,
        stage=stage,
        settings=night.settings,
        estimate=window.estimate(night),
        emit=night.emit,
    ) as watcher:
        yield replace(night, emit=events.tee(night.emit, watcher.hear), stop=watcher.stop)


def proceed(connection: Connection, night: Night, stage: str, *, changed: bool = False) -> None:
    """Enter a stage, unless somebody asked for a pause, or a disk runs full.

    Args:
        changed: whether the database is changed already.

    Raises:
        Paused: somebody did.
        Stopped: it does.
    """
    asked = night.stop()
    if asked is not None:
        raise asked
    if history.pause_requested(connection, night.run_id):
        raise Paused(f"before stage {stage}", changed=changed)
    enter(connection, night, stage)


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
