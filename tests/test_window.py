"""`window open` lets users write again whenever nobody drives a run, and says what that means; `doctor` tells of it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from conftest import Database
from crm_migrate import history, maintenance, postgres, workflow
from crm_migrate.catalog import Catalog
from crm_migrate.errors import Refused
from crm_migrate.events import Event, silent
from crm_migrate.settings import Settings
from nights import approved, settings_for, state
from test_abort import begun, end, writes


def told(settings: Settings) -> str:
    (check,) = [check for check in workflow.doctor(settings=settings).checks if check.check == "window"]
    assert check.ok
    return f"{check.detail} {check.hint}"


def closed(database: Database, catalog: Catalog, run_id: str = "20261122T020000Z") -> None:
    with postgres.connect(database.url, autocommit=True) as owner:
        with owner.transaction():
            history.prepare(owner, catalog)
        maintenance.close(owner, grace_seconds=0, emit=silent, run_id=run_id)


def test_there_is_nothing_to_open_where_nothing_is_closed(database: Database, tmp_path: Path) -> None:
    settings = settings_for(database, tmp_path)
    assert not workflow.window(settings=settings).closed
    assert not workflow.open_window(settings=settings).closed
    assert told(settings).startswith("open: users may write")


def test_a_window_left_closed_is_told_of_and_opened_as_it_was_stored(
    database: Database, catalog: Catalog, tmp_path: Path
) -> None:
    settings, before = settings_for(database, tmp_path), state(database.url)
    closed(database, catalog)
    found = workflow.window(settings=settings)
    assert (found.closed, found.run_id, found.runner) == (True, "20261122T020000Z", None)
    assert re.match(r"closed since \S+ \S+ UTC by run 20261122T020000Z .*`crm-migrate window open`", told(settings))
    assert not workflow.open_window(settings=settings).closed
    assert state(database.url) == before


def test_beside_a_runner_it_is_not_opened(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    settings = settings_for(database, tmp_path)
    closed(database, catalog)
    with (
        postgres.connect(database.url, purpose="execute") as runner,
        postgres.migration_lock(runner),
        pytest.raises(Refused, match=f"process {os.getpid()} on host") as raised,
    ):
        workflow.open_window(settings=settings)
    assert raised.value.exit_code == 4
    assert workflow.window(settings=settings).closed


def test_midway_it_opens_and_says_what_that_means_and_a_resume_closes_it_again(
    sample: Database, decided: Settings
) -> None:
    run_id = workflow.run_folder("latest", decided).name
    end(begun(decided, sample, "execute", "--batch-size", "20", until="load:activities_from_tasks: "))
    assert workflow.window(settings=decided).run_id == run_id
    said: list[Event] = []
    found = workflow.open_window(settings=decided, emit=said.append)
    assert (found.closed, f"Run {run_id} is midway" in found.means) == (False, True)
    assert any("did not predict" in event.message for event in said if event.kind == "warning")
    assert writes(sample)
    said.clear()
    run = workflow.execute(confirm=sample.name, settings=decided, emit=said.append)
    assert run is not None
    assert run.status == "completed"
    assert any("closes again" in event.message for event in said)


def test_of_a_half_taken_back_run_it_does_not_name_execute_which_would_be_refused(
    migrated: tuple[Settings, Database],
) -> None:
    settings, database = migrated
    end(begun(settings, database, "rollback", until="taken back"))
    way = "half taken back: finish that with `crm-migrate rollback`"
    assert way in workflow.window(settings=settings).means
    assert way in next(check.hint for check in workflow.doctor(settings=settings).checks if check.check == "window")
    opened = workflow.open_window(settings=settings).means
    assert "half taken back" in opened
    assert "`crm-migrate rollback` closes the window again" in opened
    assert "execute" not in opened
    assert workflow.revert(confirm=database.name, settings=settings).status == "rolled_back"
    assert workflow.window(settings=settings).means == "Users may write."


def test_while_a_run_goes_on_the_application_reads_until_when(sample: Database, tmp_path: Path) -> None:
    settings, lines = settings_for(sample, tmp_path), set()
    approved(settings)

    def ask(event: Event, /) -> None:
        if event.kind == "step":
            with postgres.connect(sample.admin_url, autocommit=True) as anybody:
                anybody.execute("set role anon")
                lines.add(anybody.execute("select state, message from public.migration_status").fetchone())

    workflow.execute(confirm=sample.name, settings=settings, emit=ask)
    assert lines
    assert all(
        line is not None and line[0] == "read_only" and re.fullmatch(r"read-only until \d\d:\d\d UTC", line[1])
        for line in lines
    )
    with postgres.connect(sample.admin_url) as anybody:
        assert anybody.execute("select state from public.migration_status").fetchone() == ("done",)


def test_of_a_runner_that_is_dead_it_says_that_it_has_stopped(sample: Database, decided: Settings) -> None:
    end(begun(decided, sample, "execute", "--batch-size", "20", until="load:activities_from_tasks: "))
    while (seen := workflow.window(settings=decided)).runner is not None:
        pass  # its session outlives it by a moment
    assert seen.run_status == "stopped"
    found = workflow.open_window(settings=decided)
    assert "is midway (stopped)" in found.means
    assert "is midway (stopped)" in workflow.window(settings=decided).means


@pytest.mark.parametrize("place", ["logs is a file", "no workspace can be made"])
def test_it_opens_also_where_no_log_can_be_written(
    place: str, database: Database, catalog: Catalog, tmp_path: Path
) -> None:
    settings = settings_for(database, tmp_path)
    closed(database, catalog)
    if place == "logs is a file":
        settings.workspace.mkdir()
        settings.log_file.parent.write_text("")
    else:
        settings = settings.model_copy(update={"workspace": Path("/proc/nowhere")})
    assert not workflow.open_window(settings=settings).closed
