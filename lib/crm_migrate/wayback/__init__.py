"""The way back: in place, keeping what users wrote since, or from the dump (E1).

It goes the same way as the night: lock, close the window, take back, open it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import psycopg

from crm_migrate import (
    archive,
    backup,
    compatibility,
    events,
    execute,
    files,
    history,
    maintenance,
    postgres,
    revert,
    schema,
    snapshot,
)
from crm_migrate import night as stage
from crm_migrate.errors import AnswerIsNo, MigrationError, NoSuchRun, Refused, Stopped, TakenBack, UsageError
from crm_migrate.events import Event
from crm_migrate.execute import Run
from crm_migrate.night import Night
from crm_migrate.postgres import Connection
from crm_migrate.wayback import standing

_LOST = "the server was lost during the restore; the window may still be closed"
_ONCE_IT_ANSWERS = (
    "Once the server answers, run the same command again: it finds out how far it came, and finishes. To let users "
    "write at once: `crm-migrate window open`."
)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a way back would do, in rows by relation and operation.

    Attributes:
        hours: since the run ended; None for one that has not.
        stays: what users wrote since and is there afterwards.
        archived: what they wrote and goes to schema migration_archive, for the next migration to bring back.
        reappearing: softly deleted rows, which the old system shows again.
        lost: what a restore would lose of their writes; nothing of it is archived.
        missing: what `cleanup` has taken away since, or nobody counts any more, and what follows, a sentence each.
        standing: what somebody else has made on what would go, so that it is refused; a restore says that for itself.
    """

    run_id: str
    database: str
    restore: bool
    hours: float | None
    is_open: bool
    stays: archive.Counts
    archived: archive.Counts
    reappearing: Mapping[str, int]
    lost: archive.Counts
    missing: tuple[str, ...] = ()
    standing: tuple[str, ...] = ()


Agree = Callable[[Outlook], bool]


def outlook(night: Night, *, restore: bool = False) -> Outlook:
    """Say what a way back would do; changes nothing, and users go on working.

    Raises:
        NoSuchRun: this run has changed nothing here, or was taken back already.
    """
    with postgres.connect(night.url, autocommit=True, purpose="outlook") as connection:
        postgres.require_atomic_crm(connection)
        postgres.act_as_owner(connection)
        connection.execute("set default_transaction_read_only = on")
        record = _changed(connection, night)
        if record.status == "rolled_back":
            raise NoSuchRun(f"run {night.run_id} was taken back already", hint="Nothing to take back.")
        with connection.transaction():
            return _outlook(connection, night, restore=restore)


def _outlook(connection: Connection, night: Night, *, restore: bool) -> Outlook:
    record = _changed(connection, night)
    done = history.steps(connection, night.run_id)
    whole = any(
        kind.step.kind == "archive" and found.status == "completed"
        for kind in night.plan.steps()
        if (found := done.get((kind.phase, kind.step.name))) is not None
    )
    catalog = compatibility.as_they_lie(connection, night.catalog)
    kept = archive.preview(connection, catalog) if whole and not restore else archive.Kept({}, {}, {})
    hours = revert.hours_since(connection, night.run_id)
    return Outlook(
        run_id=night.run_id,
        database=connection.info.dbname,
        restore=restore,
        hours=None if hours is None else round(hours, 1),
        is_open=hours is None or hours <= revert.HOURS,
        stays=kept.stays,
        archived=kept.archived,
        reappearing=kept.reappearing,
        lost=archive.written(connection) if whole and restore else {},
        missing=tuple(_missing(connection, record, counted=whole or not restore or record.restored)),
        standing=() if restore or hours is None else standing.things(connection, night.catalog),
    )


def _missing(connection: Connection, record: history.RunRecord, *, counted: bool) -> Iterator[str]:
    """What was cleaned up since the run, or is not known any more."""
    if not counted and record.stage == "revert":
        yield "it is half taken back, and nobody counts what users write since: a restore would lose that too"
    gone = compatibility.retired(connection)
    if gone:
        yield f"the old names {' and '.join(gone)} were taken away; the way back begins with putting them back"
    if "dump" in record.facts and not Path(record.facts["dump"]).exists():
        yield "the dump is gone, or lies on another machine: there is no `--restore`, only the way back in place"
    if not backup.copies(connection):
        yield "the copies in migration_backup are gone: nothing is left to compare the old tables with"


def roll_back(
    night: Night, *, confirm: str | None, override: str | None = None, agree: Agree = lambda outlook: True
) -> Run:
    """Take the migration back in place; what users wrote since stays, or is archived (E1).

    Args:
        override: why it is taken back after its time, or None.
        agree: is told what will happen, and says whether it may; one that goes on is not asked again.

    Raises:
        Refused: nothing was changed: no confirmation, too late, a step that cannot be taken back, or something of
            somebody else's that stands on what goes.
        StepFailed: midway; the same call goes on.
        AnswerIsNo: everything was taken back, but the schema is not what it was.
    """
    with stage.session(night, "rollback") as connection:
        record, late = _to_take_back(connection, night, confirm, override)
        if record.status != "rolled_back":
            if record.status == "completed":  # before, nobody but the migration has made anything
                standing.require_nothing(connection, night.catalog)
            _require_consent(connection, night, record, agree, restore=False)
            _take_back(connection, night, record, late=late)
        return execute.saved(connection, night.plan, night.run_id, night.folder)


def _require_consent(
    connection: Connection, night: Night, record: history.RunRecord, agree: Agree, *, restore: bool
) -> None:
    going_on = record.stage == "revert" and (not restore or maintenance.is_closed(connection))
    if not going_on and not agree(_outlook(connection, night, restore=restore)):
        raise Refused("not taken back, as was answered", hint="Nothing was changed.")


def abort(night: Night, *, confirm: str | None) -> Run:
    """Take back a run that nobody drives any more, from whatever stage it is in, and open the window.

    Raises:
        Refused: no confirmation, or the run has come to its end meanwhile.
        NoSuchRun: this run was not begun in this database.
        StepFailed, AnswerIsNo: as `roll_back` does; the same call goes on.
    """
    with stage.session(night, "abort") as connection:
        execute.require_database(connection, confirm)
        record = history.run(connection, night.run_id)
        if record is None:
            raise NoSuchRun(f"run {night.run_id} was not begun in this database", hint="Nothing to abort.")
        if record.status == "completed":
            raise Refused(
                f"run {night.run_id} is completed: there is nothing to abort",
                hint=f"To take it back: `crm-migrate rollback --run {night.run_id} --confirm DATABASE`.",
            )
        if record.status != "rolled_back":
            _take_back(connection, night, record)
        return execute.saved(connection, night.plan, night.run_id, night.folder)


def _take_back(connection: Connection, night: Night, record: history.RunRecord, *, late: str | None = None) -> None:
    if record.restored:
        _end_restored(connection, night)
        return
    revert.require_reversible(night.plan)
    night = replace(night, emit=events.tee(night.emit, stage.kept(connection, night.run_id)))
    with connection.transaction():
        history.prepare(connection, night.catalog)
        history.begin(connection, night.run_id)
        _begin(connection, night, late)
    with (
        execute.saved_state(connection, night.plan, night.run_id, night.folder) as save,
        stage.ends(connection, night),
        stage.watched(connection, night, "revert") as night,
    ):
        stage.window.close(connection, night)
        revert.revert(stage.context(connection, night, record), night.plan, save=save)
        maintenance.open_(connection)
        changed = _schema_changes(connection, night, record)
        if changed:
            raise AnswerIsNo(
                f"taken back, but the schema is not what it was: {'; '.join(changed[:5])}",
                hint="Make these what they were, if somebody has changed them since, then run the same command again. "
                "Else restore from the dump: `crm-migrate rollback --restore`; what users wrote since is lost then.",
            )
        history.end(connection, night.run_id, "rolled_back")


def _begin(connection: Connection, night: Night, late: str | None) -> None:
    stage.enter(connection, night, "revert")
    for name in compatibility.bring_back(connection):
        night.emit(Event("note", "compatibility", f"public.{name} answers again"))
    if late is not None:
        history.enter_stage(connection, night.run_id, "revert", override=late)
        night.emit(Event("warning", "override", late))


def after_failure(night: Night, failure: Stopped, *, confirm: str | None) -> NoReturn:
    """Take a run back of which a step or a commit has failed, as whoever was asked wanted it.

    Raises:
        TakenBack: the database is as it was before, and the window is open.
        MigrationError: it could not be taken back, or not wholly; says how to go on with that.
    """
    roll_back(night, confirm=confirm)
    raise TakenBack(
        f"{failure}. The run was taken back, as asked: the database is as it was, and the window is open",
        hint="Mend the cause, then begin a new run: `crm-migrate snapshot`, `assess`, `dry-run`, `decide`, `execute`.",
    ) from failure


def restore(
    night: Night, *, confirm: str | None, override: str | None = None, agree: Agree = lambda outlook: True
) -> Run:
    """Bring schema public back to what it was when the dump was made; what was written since is lost (E1).

    Arguments are those of `roll_back`.

    Raises:
        Refused: nothing was changed: no confirmation, too late, or something outside schema public would be lost.
        UsageError: the dump is damaged; nothing was changed.
        Undone: the restore failed. A completed run is one still, and the window is open.
    """
    with stage.session(night, "restore") as connection:
        record, late = _to_take_back(connection, night, confirm, override)
        if record.status == "rolled_back":
            return execute.saved(connection, night.plan, night.run_id, night.folder)
        if record.restored:
            _end_restored(connection, night)
            return execute.saved(connection, night.plan, night.run_id, night.folder)
        _require_consent(connection, night, record, agree, restore=True)
        night = replace(night, emit=events.tee(night.emit, stage.kept(connection, night.run_id)))
        dump = backup.load(Path(record.facts["dump"]))
        with connection.transaction():
            history.prepare(connection, night.catalog)
            history.begin(connection, night.run_id)
            _begin(connection, night, late)
        with (
            _as_it_was(connection, night, record) as undoing,
            execute.saved_state(connection, night.plan, night.run_id, night.folder),
            stage.ends(connection, night),
            stage.watched(connection, night, "revert") as night,
        ):
            stage.window.close(connection, night)
            with undoing():
                backup.restore(
                    night.url,
                    dump,
                    stamp=record.backup_stamp,
                    rows=_rows_before(record),
                    note=lambda restoring: history.take_all_back(restoring, night.run_id),
                    emit=night.emit,
                )
            _end_restored(connection, night)
        return execute.saved(connection, night.plan, night.run_id, night.folder)


def _end_restored(connection: Connection, night: Night) -> None:
    """Let users write and note the end at once, so that nothing that they write comes before it."""
    with connection.transaction():
        maintenance.open_(connection)
        history.end(connection, night.run_id, "rolled_back")


@contextmanager
def _as_it_was(
    connection: Connection, night: Night, record: history.RunRecord
) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Let a completed run be one again, with its window open, where what was done in the given context was undone.

    Raises:
        Stopped: in place of what undid it, where the server is lost: whether it was undone is not known then.
    """
    undone = False

    @contextmanager
    def undoing() -> Iterator[None]:
        nonlocal undone
        try:
            yield
        except MigrationError as error:
            undone = not isinstance(error, Stopped)
            raise

    try:
        yield undoing
    except MigrationError as error:
        if undone:
            try:
                known = _changed(connection, night)
                if not known.restored and record.status == "completed":
                    maintenance.open_(connection)
                    with connection.transaction():
                        history.put_back(connection, record)
                    execute.saved(connection, night.plan, night.run_id, night.folder)
                    night.emit(Event("note", "restore", "the run is as it was before, and the window is open"))
            except psycopg.Error:
                if not connection.closed:
                    raise
                known = None
            if known is None or known.restored:
                raise Stopped(f"run {night.run_id} stopped: {_LOST}", hint=_ONCE_IT_ANSWERS) from error
        raise


def _to_take_back(
    connection: Connection, night: Night, confirm: str | None, override: str | None
) -> tuple[history.RunRecord, str | None]:
    """The run that is to be taken back, if it may be, and what is to be recorded where it is too late for that.

    Raises:
        Refused: no confirmation, or too late.
        NoSuchRun: this run has changed nothing here.
    """
    execute.require_database(connection, confirm)
    record = _changed(connection, night)
    late = None
    compatibility.require_free_names(connection)
    if record.stage != "revert":
        late = revert.require_window(connection, night.run_id, override=override)
    return record, late


def _changed(connection: Connection, night: Night) -> history.RunRecord:
    record = history.run(connection, night.run_id)
    if record is None or record.stage not in ("phases", "verify", "open", "done", "revert"):
        raise NoSuchRun(f"run {night.run_id} has changed nothing in this database", hint="Nothing to take back.")
    return record


def _rows_before(record: history.RunRecord) -> dict[str, int]:
    """Rows by table in the final snapshot; nothing where that lies on another machine, is gone or damaged."""
    try:
        return {table.name: table.rows for table in snapshot.load(Path(record.facts["snapshot"])).tables}
    except UsageError:
        return {}


def _schema_changes(connection: Connection, night: Night, record: history.RunRecord) -> tuple[str, ...]:
    """What is not as it was before the night; what somebody has made since is theirs, and only told of."""
    if "snapshot" not in record.facts:  # it stopped before the first change
        return ()
    file = Path(record.facts["snapshot"]) / snapshot.SCHEMA
    try:
        before = files.read_json(file)
    except (FileNotFoundError, UsageError):
        where = f"{file} lies on another machine, or is gone or damaged"
        night.emit(Event("warning", "revert", f"the schema was not compared: {where}"))
        return ()
    different = schema.differences(before, schema.describe(connection))
    planned = standing.planned(night.catalog)
    own = [name for name in different if name not in before and name not in planned]
    if own:
        night.emit(Event("note", "revert", f"made since the migration, and left as it is: {', '.join(own)}"))
    return tuple(name for name in different if name not in own)
