"""A whole night in which a step fails, or in which somebody meddles between two calls."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conftest import Database
from crm_migrate import events, execute, history, maintenance, postgres, workflow
from crm_migrate.errors import NotCommitted, StepFailed, Stopped, TakenBack
from crm_migrate.execute import CommitMode
from crm_migrate.settings import Settings
from nights import State, approved, settings_for, state


@contextmanager
def obstacle(
    database: Database, table: str = "public.products", *, does: str = "raise exception 'in the way'"
) -> Iterator[None]:
    """Let something happen when a table is made; not in schema public, so that the decision still fits."""
    with postgres.connect(database.admin_url, autocommit=True) as admin:
        admin.execute("create schema obstacle")
        admin.execute(
            f"""
            create function obstacle.stand() returns event_trigger language plpgsql security definer as
            $$ begin
                if exists (select from pg_event_trigger_ddl_commands() where object_identity = '{table}') then
                    {does};
                end if;
            end $$
            """.encode()
        )
        admin.execute("create event trigger obstacle on ddl_command_end execute function obstacle.stand()")
        try:
            yield
        finally:
            admin.execute("drop event trigger obstacle")
            admin.execute("drop schema obstacle cascade")


@contextmanager
def refused_commit(database: Database) -> Iterator[None]:
    """Let the commit fail of whatever transaction ends with the last step."""
    when = "new.step = 'archive:changes' and new.status = 'completed'"
    late = f"""
        if to_regclass('obstacle.late') is not null then return; end if;
        create table obstacle.late (id bigint);
        create function obstacle.refuse() returns trigger language plpgsql as
        'begin raise exception ''not in the end either''; end';
        create constraint trigger refuse after insert on obstacle.late deferrable initially deferred
        for each row execute function obstacle.refuse();
        create function obstacle.wait() returns trigger language plpgsql security definer as
        'begin set constraints all deferred; insert into obstacle.late values (1); return null; end';
        create trigger wait after update on public.migration_history
        for each row when ({when}) execute function obstacle.wait()
    """
    with obstacle(database, "public.migration_history", does=late):
        yield


def told_of(database: Database, kind: str) -> list[str]:
    with postgres.connect(database.url) as connection:
        found = connection.execute("select message from migration.events where kind = %s order by id", [kind])
        return [row[0] for row in found]


@pytest.mark.parametrize("commit", ["batch", "phase", "all"])
def test_a_failed_run_is_taken_back_where_that_is_asked_for(
    commit: CommitMode, sample: Database, decided: Settings
) -> None:
    before = state(sample.url)
    run_id = workflow.run_folder("latest", decided).name
    with obstacle(sample), pytest.raises(TakenBack, match=r"in the way.*taken back, as asked") as taken:
        workflow.execute(confirm=sample.name, commit=commit, on_failure=lambda failed: "abort", settings=decided)
    assert taken.value.exit_code == 5
    assert state(sample.url) == before
    saved = execute.load(workflow.run_folder(run_id, decided))
    assert saved.status == "rolled_back"
    assert saved.error is not None
    assert "in the way" in saved.error
    assert any("in the way" in message for message in told_of(sample, "error"))
    with postgres.connect(sample.url) as connection:
        assert not maintenance.is_closed(connection)


@pytest.mark.parametrize("commit", ["phase", "all"])
def test_a_failed_run_that_is_kept_says_why_until_it_is_completed(
    commit: CommitMode, sample: Database, undisturbed: State, tmp_path: Path
) -> None:
    settings = settings_for(sample, tmp_path)
    folder = workflow.run_folder(approved(settings), settings)
    with obstacle(sample), pytest.raises(StepFailed, match="in the way"):
        workflow.execute(confirm=sample.name, commit=commit, settings=settings)
    saved = execute.load(folder)
    assert [phase.status for phase in saved.phases] == ["completed"] * 4 + ["failed"]
    assert saved.status == "stopped"
    assert saved.error is not None
    assert "in the way" in saved.error
    with postgres.connect(sample.url) as connection:
        assert maintenance.is_closed(connection)
    workflow.execute(confirm=sample.name, batch_size=30, settings=settings)
    saved = execute.load(folder)
    assert (saved.status, saved.error) == ("completed", None)
    assert {step.status for step in saved.steps} == {"completed"}
    assert state(sample.url) == undisturbed


def test_a_window_that_was_opened_midway_closes_again_and_a_call_that_died_is_told_of(
    sample: Database, decided: Settings, undisturbed: State
) -> None:
    run_id = workflow.run_folder("latest", decided).name
    with obstacle(sample), pytest.raises(StepFailed):
        workflow.execute(confirm=sample.name, settings=decided)
    with postgres.connect(sample.url) as connection:
        maintenance.open_(connection)
        connection.execute("update migration.runs set status = 'running', pid = 4711 where run_id = %s", [run_id])
    closed: list[bool] = []

    def look(event: events.Event, /) -> None:
        if event.kind == "phase":
            with postgres.connect(sample.url) as connection:
                closed.append(maintenance.is_closed(connection))

    workflow.execute(confirm=sample.name, settings=decided, emit=look)
    assert closed
    assert all(closed)
    warnings = told_of(sample, "warning")
    assert any("process 4711 on " in warning and "ended without a word" in warning for warning in warnings)
    assert any("the window was opened midway" in warning for warning in warnings)
    assert state(sample.url) == undisturbed


def test_a_run_that_died_while_it_opened_the_window_only_opens_it(migrated: tuple[Settings, Database]) -> None:
    settings, database = migrated
    run_id = workflow.run_folder("latest", settings).name
    with postgres.connect(database.url) as connection:
        history.enter_stage(connection, run_id, "open")
        connection.execute("update migration.runs set status = 'running' where run_id = %s", [run_id])
        connection.execute("delete from public.activities where source_id = 1")  # a user's, since it was open
    with postgres.connect(database.url, autocommit=True) as connection:
        maintenance.close(connection, grace_seconds=0, emit=events.silent)
    run = workflow.execute(confirm=database.name, settings=settings)
    assert run is not None
    assert run.status == "completed"
    with postgres.connect(database.url) as connection:
        assert not maintenance.is_closed(connection)


def test_a_server_that_goes_away_before_the_first_change_is_named(sample: Database, decided: Settings) -> None:

    def end_it(event: events.Event, /) -> None:
        if event.kind == "stage" and event.name == "backup":
            with postgres.connect(sample.admin_url, autocommit=True) as admin:
                admin.execute(
                    "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() "
                    "and application_name like 'crm-migrate execute%'"
                )

    with pytest.raises(
        Stopped, match=r"stopped: (the server was shut down|the session with the server is lost)"
    ) as end:
        workflow.execute(confirm=sample.name, settings=decided, emit=end_it)
    assert end.value.exit_code == 5
    saved = execute.load(workflow.run_folder("latest", decided))
    assert saved.status == "stopped"
    assert saved.error == str(end.value)


def test_a_terminal_is_asked_what_to_do_with_a_failed_run(sample: Database, decided: Settings) -> None:
    before = state(sample.url)
    environment = os.environ | {
        "CRM_MIGRATE_DATABASE_URL": sample.url,
        "CRM_MIGRATE_WORKSPACE": str(decided.workspace),
        "CRM_MIGRATE_REPORTS": str(decided.reports),
        "CRM_MIGRATE_GRACE_SECONDS": "0",
    }
    command = [sys.executable, "-m", "crm_migrate", "execute", "--confirm", sample.name, "--commit", "all"]
    ours, theirs = pty.openpty()
    said = ""
    with (
        obstacle(sample, "public.contact_organizations"),
        subprocess.Popen(command, env=environment, stdin=theirs, stderr=theirs, stdout=subprocess.DEVNULL) as process,
        os.fdopen(ours, "rb+", buffering=0) as terminal,
    ):
        os.close(theirs)
        while "instead?" not in said:
            said += terminal.read(4096).decode()
        terminal.write(b"y\n")
        try:
            while more := terminal.read(4096):
                said += more.decode()
        except OSError:  # that is how a terminal ends
            pass
    assert process.returncode == 5
    assert "taken back, as asked" in said.replace("\r\n", " ")
    assert state(sample.url) == before


def test_a_call_that_was_killed_behind_its_last_commit_is_written_down_by_the_next(
    migrated: tuple[Settings, Database],
) -> None:
    settings, database = migrated
    folder = workflow.run_folder("latest", settings)

    def killed_before_writing() -> None:
        told = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        (folder / "run.json").write_text(json.dumps(told | {"status": "running", "stage": "open"}), encoding="utf-8")

    killed_before_writing()
    workflow.execute(confirm=database.name, settings=settings)
    assert (execute.load(folder).status, execute.load(folder).stage) == ("completed", "done")
    workflow.revert(confirm=database.name, settings=settings)
    killed_before_writing()
    workflow.revert(confirm=database.name, settings=settings)
    assert execute.load(folder).status == "rolled_back"


@pytest.mark.parametrize("commit", ["phase", "all"])
def test_a_commit_that_the_server_refuses_is_a_failure_to_be_asked_about(
    commit: CommitMode, sample: Database, decided: Settings
) -> None:
    before = state(sample.url)
    with refused_commit(sample):
        with pytest.raises(NotCommitted, match="not in the end either") as kept:
            workflow.execute(confirm=sample.name, commit=commit, settings=decided)
        assert kept.value.exit_code == 5
        assert any("could not be committed" in message for message in told_of(sample, "error"))
        with pytest.raises(TakenBack, match="taken back, as asked"):
            workflow.execute(confirm=sample.name, commit=commit, on_failure=lambda failed: "abort", settings=decided)
    assert state(sample.url) == before
    with postgres.connect(sample.url) as connection:
        assert not maintenance.is_closed(connection)
