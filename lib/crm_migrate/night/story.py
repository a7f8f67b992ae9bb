"""The story of a night, told once: before the first change, the phases, verification, the open window (idea 9)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from crm_migrate import basis, dictionary, events, execute, history, maintenance, readmit, rejects, snapshot, verify
from crm_migrate.errors import Aborted, AnswerIsNo, Refused
from crm_migrate.events import Event
from crm_migrate.execute import CommitMode, OnFailure, Run
from crm_migrate.night import window
from crm_migrate.night.before import opens_again, prepare, require_ready
from crm_migrate.night.session import aborts_as_asked, context, ends, enter, kept, midway, proceed, session, watched
from crm_migrate.night.value import FINAL, Night
from crm_migrate.postgres import Connection
from crm_migrate.verify import Verification


def execute_plan(
    night: Night,
    *,
    confirm: str | None,
    commit: CommitMode,
    on_failure: OnFailure = execute.keep,
) -> Run:
    """Migrate the database, or go on where an earlier call stopped.

    Raises:
        Refused: nothing was changed: no confirmation, no fresh GO, another run, a database that is not ready, other
            input files than those with which the run began.
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
        if earlier is None or not earlier.has_changed:
            with opens_again(connection, night):
                require_ready(connection, night)
        elif earlier.stage != "open":  # else it is verified already
            with midway(night):
                basis.require_inputs_of_night(night.folder, night.catalog, night.inputs)
        with connection.transaction():
            history.prepare(connection, night.catalog)
            record = history.begin(connection, night.run_id)
        aside = rejects.last(connection, night.run_id)  # of earlier calls
        night = replace(
            night,
            emit=events.tee(night.emit, kept(connection, night.run_id), window.announcing(connection, night)),
        )
        with (
            aborts_as_asked(night),
            execute.saved_state(connection, night.plan, night.run_id, night.folder) as save,
            ends(connection, night),
            watched(connection, night, record.stage) as night,
        ):
            if earlier is not None and earlier.status == "running":
                _tell_of_death(night, earlier)
            if not record.has_changed:
                with opens_again(connection, night):
                    record = prepare(connection, night)
            with midway(night):
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
                        stop=night.stop,
                    )
                    if aside:
                        readmit.take_in(context(connection, night, record), night.plan, up_to=aside)
                    proceed(connection, night, "verify", changed=True)
                    _require_verified(connection, night, record)
                    enter(connection, night, "open")
                with connection.transaction():
                    history.enter_stage(connection, night.run_id, "done")
                    if history.abort_requested(connection, night.run_id):  # none comes after it: the row is locked
                        raise Aborted(night.run_id)
                    maintenance.open_(connection)
                    verify.structure.save(connection, night.folder)
                    history.end(connection, night.run_id, "completed")
        return execute.state(connection, night.plan, night.run_id)


def verified(connection: Connection, night: Night, record: history.RunRecord) -> Verification:
    """Compare the database with the final snapshot and with what was predicted of it, and describe it; reads only."""
    final = snapshot.load(Path(record.facts["snapshot"]))
    verification = verify.verify(
        context(connection, night, record),
        night.plan,
        url=night.url,
        before=final,
        objects=snapshot.document(final),
        given=night.inputs,
        prediction=night.folder / FINAL / "prediction",
        rejects=night.folder / FINAL / "rejects.parquet",
        out=night.folder,
        scratch=night.scratch,
    )
    dictionary.save(dictionary.read(connection, night.catalog), night.folder)
    return verification


def _require_verified(connection: Connection, night: Night, record: history.RunRecord) -> None:
    if not verified(connection, night, record).ok:
        raise AnswerIsNo(
            f"run {night.run_id} is not verified; the window stays closed",
            hint="`crm-migrate report` shows what differs; mend it and run execute again, or roll back.",
        )


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
    return execute.saved(connection, night.plan, night.run_id, night.folder)


def _close_again(connection: Connection, night: Night) -> None:
    """A run that is midway may have been left with the window open, so that users could write."""
    if not maintenance.is_closed(connection):
        night.emit(Event("warning", night.run_id, "the window was opened midway; it closes again before anything else"))
        window.close(connection, night)


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
