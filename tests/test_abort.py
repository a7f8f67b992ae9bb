"""After an abort, whenever it comes and however the runner ended, the database is as it was and open to users (C8)."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from conftest import Database
from crm_migrate import catalog as catalogs
from crm_migrate import execute, history, inputs, maintenance, plan, postgres, workflow
from crm_migrate.errors import Aborted, NoSuchRun, Refused, StepFailed, Stopped
from crm_migrate.events import Event, silent
from crm_migrate.execute import CommitMode
from crm_migrate.night import Night
from crm_migrate.night.session import aborts_as_asked
from crm_migrate.settings import Settings
from nights import settings_for, state

_WAIT = 60.0  # seconds after which a test that hangs fails


class _At:
    """A sink that starts an abort when the run comes to a point, and holds the run there until it was asked for."""

    def __init__(self, settings: Settings, database: Database, point: tuple[str, str]) -> None:
        self.settings, self.database, self.point = settings, database, point
        self.asked, self.pool = threading.Event(), ThreadPoolExecutor(1)
        self.aborting: Any = None

    def __call__(self, event: Event, /) -> None:
        if self.aborting is None and (event.kind, event.name) == self.point:
            self.aborting = self.pool.submit(self._abort)
            assert self.asked.wait(_WAIT)

    def _abort(self) -> execute.Run:
        return workflow.abort(confirm=self.database.name, settings=self.settings, emit=self._hears)

    def _hears(self, event: Event, /) -> None:
        if event.name == "abort":
            self.asked.set()


def writes(database: Database) -> bool:
    """Whether the application may write, in a new session."""
    with postgres.connect(database.admin_url) as connection:
        connection.execute("set role authenticated")
        connection.execute("insert into public.tags (name, color) values ('after the abort', 'warm')")
        connection.rollback()
    return True


def is_as_before(database: Database, settings: Settings, before: object) -> bool:
    with postgres.connect(database.url) as connection:
        assert not maintenance.is_closed(connection)
        assert history.runs(connection)[-1].status == "rolled_back"
    assert execute.load(workflow.run_folder("latest", settings)).status == "rolled_back"
    assert state(database.url) == before
    return writes(database)


@pytest.mark.parametrize(
    ("commit", "point"),
    [
        ("batch", ("stage", "close")),
        ("batch", ("stage", "backup")),
        ("batch", ("progress", "load:contacts")),
        ("batch", ("step", "sql:30_keys")),
        ("batch", ("stage", "verify")),
        ("batch", ("stage", "open")),
        ("phase", ("progress", "load:activities_from_tasks")),
        ("all", ("progress", "load:opportunities")),
    ],
)
def test_an_abort_at_any_point_leaves_the_database_as_it_was(
    commit: CommitMode, point: tuple[str, str], sample: Database, decided: Settings
) -> None:
    before = state(sample.url)
    at = _At(decided, sample, point)
    with pytest.raises(Aborted, match="aborted as asked") as raised:
        workflow.execute(confirm=sample.name, commit=commit, batch_size=50, settings=decided, emit=at)
    assert raised.value.exit_code == 5
    assert at.aborting.result(_WAIT).status == "rolled_back"
    assert is_as_before(sample, decided, before)


def test_a_runner_whose_question_is_cancelled_asks_again_whether_an_abort_was_asked_for(
    database: Database, catalog: catalogs.Catalog, tmp_path: Path
) -> None:
    settings = settings_for(database, tmp_path)
    night = Night(
        *(database.url, "test", tmp_path, catalog, plan.build(catalog), inputs.Inputs({}, "", {}), settings),
        batch_size=50,
        emit=silent,
    )
    with postgres.connect(database.url) as owner:
        history.prepare(owner, catalog)
        history.begin(owner, "test")
        history.request_abort(owner, "test")
        owner.commit()
        owner.execute("lock table migration.runs in access exclusive mode")
        with ThreadPoolExecutor(1) as pool:
            cancelling = pool.submit(_cancel_one_that_waits, database, owner)
            with pytest.raises(Aborted), aborts_as_asked(night):
                raise Stopped("a statement was cancelled")
            assert cancelling.result(_WAIT)


def _cancel_one_that_waits(database: Database, blocker: postgres.Connection) -> bool:
    """Cancel the first statement that waits for a lock, then let go of what it waits for."""
    with postgres.connect(database.admin_url, autocommit=True) as admin:
        deadline = time.monotonic() + _WAIT
        while time.monotonic() < deadline:
            cancelled = admin.execute(
                """
                select pg_cancel_backend(pid) from pg_catalog.pg_stat_activity
                where datname = current_database() and wait_event_type = 'Lock'
                """
            ).fetchone()
            if cancelled is not None:
                blocker.rollback()
                return True
    return False


def begun(settings: Settings, database: Database, *command: str, until: str) -> subprocess.Popen[str]:
    """The command line in a process of its own, which has come to where it says `until`."""
    environment = os.environ | {
        "CRM_MIGRATE_DATABASE_URL": database.url,
        "CRM_MIGRATE_WORKSPACE": str(settings.workspace),
        "CRM_MIGRATE_REPORTS": str(settings.reports),
        "CRM_MIGRATE_GRACE_SECONDS": "0",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "crm_migrate", *command, "--confirm", database.name],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if until in line:
            return process
    process.wait()
    return pytest.fail(f"it never came to {until}")


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    assert process.stderr is not None
    process.stderr.close()


@pytest.mark.parametrize("until", [" snapshot begins", "load:activities_from_tasks: "])
def test_a_run_whose_process_is_dead_is_taken_back(until: str, sample: Database, decided: Settings) -> None:
    before = state(sample.url)
    end(begun(decided, sample, "execute", "--batch-size", "20", until=until))
    assert workflow.abort(confirm=sample.name, settings=decided).status == "rolled_back"
    assert is_as_before(sample, decided, before)


@pytest.mark.parametrize("place", ["logs is a file", "no workspace can be made"])
def test_it_is_taken_back_also_where_no_log_can_be_written(place: str, sample: Database, decided: Settings) -> None:
    before = state(sample.url)
    end(begun(decided, sample, "execute", "--batch-size", "20", until="load:activities_from_tasks: "))
    if place == "logs is a file":
        shutil.rmtree(decided.log_file.parent)
        decided.log_file.parent.write_text("")
    else:
        decided = decided.model_copy(update={"workspace": Path("/proc/nowhere")})
    assert workflow.abort(confirm=sample.name, settings=decided).status == "rolled_back"
    assert is_as_before(sample, decided, before)


def test_a_runner_that_hangs_is_ended_and_its_run_taken_back(sample: Database, decided: Settings) -> None:
    before = state(sample.url)
    process = begun(decided, sample, "execute", "--batch-size", "20", until="load:contacts: ")
    process.send_signal(signal.SIGSTOP)
    try:
        assert workflow.abort(confirm=sample.name, settings=decided).status == "rolled_back"
    finally:
        end(process)
    assert is_as_before(sample, decided, before)


def test_an_abort_that_was_killed_is_finished_by_the_next_one_and_by_nothing_else(
    sample: Database, decided: Settings
) -> None:
    before = state(sample.url)
    end(begun(decided, sample, "execute", "--batch-size", "20", until="load:activities_from_tasks: "))
    end(begun(decided, sample, "abort", until="taken back"))
    with pytest.raises(Refused, match=r"half taken back|being aborted"):
        workflow.execute(confirm=sample.name, settings=decided)
    assert workflow.abort(confirm=sample.name, settings=decided).status == "rolled_back"
    assert workflow.abort(workflow.run_folder("latest", decided).name, confirm=sample.name, settings=decided)
    assert is_as_before(sample, decided, before)


def test_no_call_goes_on_with_a_run_that_is_being_aborted(sample: Database, decided: Settings) -> None:
    end(begun(decided, sample, "execute", "--batch-size", "20", until="load:contacts: "))
    with postgres.connect(sample.url) as connection:
        history.request_abort(connection, workflow.run_folder("latest", decided).name)
    with pytest.raises(Refused, match="being aborted"):
        workflow.execute(confirm=sample.name, settings=decided)


@pytest.mark.parametrize("named", [False, True])
def test_a_run_whose_folder_is_lost_is_taken_back_all_the_same(
    named: bool, sample: Database, decided: Settings
) -> None:
    before = state(sample.url)
    folder = workflow.run_folder("latest", decided)
    end(begun(decided, sample, "execute", "--batch-size", "20", until="load:activities_from_tasks: "))
    shutil.rmtree(folder)
    with pytest.raises(NoSuchRun, match=f"run {folder.name} is midway") as raised:
        workflow.execute(confirm=sample.name, settings=decided)
    assert "crm-migrate abort" in raised.value.hint
    end(begun(decided, sample, "abort", *(("--run", folder.name) if named else ()), until="taken back"))
    assert workflow.abort(confirm=sample.name, settings=decided).status == "rolled_back"
    assert is_as_before(sample, decided, before)


@pytest.mark.parametrize("restore", [False, True])
def test_a_damaged_snapshot_bars_no_way_back(restore: bool, sample: Database, decided: Settings) -> None:
    before = state(sample.url)
    end(begun(decided, sample, "execute", until="1_4_activities"))
    (workflow.run_folder("latest", decided) / "snapshot.json").write_text("{")
    for name in ("manifest.json", "schema.json"):
        for file in (decided.workspace / "snapshots").glob(f"*-final/{name}"):
            file.write_text("{")
    if restore:
        workflow.revert(confirm=sample.name, restore=True, settings=decided)
    else:
        workflow.abort(confirm=sample.name, settings=decided)
    assert is_as_before(sample, decided, before)


def test_a_completed_run_whose_folder_is_lost_is_rolled_back(migrated: tuple[Settings, Database]) -> None:
    settings, database = migrated
    shutil.rmtree(settings.reports)
    assert workflow.revert(confirm=database.name, settings=settings).status == "rolled_back"
    assert writes(database)


def test_a_completed_run_is_not_aborted(migrated: tuple[Settings, Database]) -> None:
    settings, database = migrated
    with pytest.raises(Refused, match="completed") as raised:
        workflow.abort(confirm=database.name, settings=settings)
    assert "rollback" in raised.value.hint
    with postgres.connect(database.url) as connection:
        assert not history.abort_requested(connection, workflow.run_folder("latest", settings).name)


def test_an_abort_needs_the_databases_name(sample: Database, decided: Settings) -> None:
    with pytest.raises(Refused, match="confirmation missing"):
        workflow.abort(confirm="production", settings=decided)


def test_what_never_began_cannot_be_aborted(sample: Database, decided: Settings) -> None:
    with pytest.raises(NoSuchRun, match="not begun"):
        workflow.abort(confirm=sample.name, settings=decided)


def test_where_the_way_back_is_barred_the_restore_is_named_and_works(sample: Database, decided: Settings) -> None:
    before = state(sample.url)
    end(begun(decided, sample, "execute", until="1_4_activities"))
    with postgres.connect(sample.url) as owner:
        owner.execute("drop table public.contact_organizations cascade")
    with pytest.raises(StepFailed, match="taking it back failed") as raised:
        workflow.abort(confirm=sample.name, settings=decided)
    assert "`crm-migrate rollback --restore --confirm DATABASE`" in raised.value.hint
    assert workflow.revert(confirm=sample.name, restore=True, settings=decided).status == "rolled_back"
    assert is_as_before(sample, decided, before)
