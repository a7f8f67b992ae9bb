"""The thread beside a run tells how far it is, in each commit mode, and stops it before a disk is full."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from conftest import Database, Server
from crm_migrate import history, plan, postgres, space, watch, workflow
from crm_migrate.catalog import Catalog
from crm_migrate.errors import Paused
from crm_migrate.events import Event, Sink, silent
from crm_migrate.execute import CommitMode
from crm_migrate.watch import Progress, Watcher
from crm_migrate.watch.picture import Picture
from evenings import Evening, evening, fresh
from nights import State, approved, settings_for, state

RUN = "20261122T120000Z"


@pytest.fixture(scope="module")
def approved_evening(
    server: Server, sample_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Evening]:
    with evening(server, sample_template, tmp_path_factory.mktemp("watched"), disk_floor="1MB") as made:
        yield made


@pytest.fixture
def tonight(server: Server, approved_evening: Evening, tmp_path: Path) -> Evening:
    return fresh(server, approved_evening, tmp_path)


@pytest.fixture
def runner(database: Database, catalog: Catalog) -> Iterator[postgres.Connection]:
    """A session that has begun a run."""
    with postgres.connect(database.url, autocommit=True, purpose="execute") as connection:
        with connection.transaction():
            history.prepare(connection, catalog)
            history.begin(connection, RUN)
        yield connection


@pytest.fixture
def watched(
    runner: postgres.Connection, database: Database, catalog: Catalog, tmp_path: Path
) -> Iterator[Callable[..., Watcher]]:
    """Watch that session, with what a test gives; ended with the test."""
    with ExitStack() as stack:

        def begin(*, emit: Sink = silent, usage: Callable[[Path], int] = space.free, **given: Any) -> Watcher:
            settings = settings_for(database, tmp_path, **given)
            settings.workspace.mkdir()
            return stack.enter_context(
                watch.watching(
                    runner,
                    plan.build(catalog),
                    url=database.url,
                    run_id=RUN,
                    folder=tmp_path / RUN,
                    stage="phases",
                    settings=settings,
                    estimate={},
                    emit=emit,
                    usage=usage,
                )
            )

        yield begin


def until(holds: Callable[[], object]) -> None:
    """Wait for something that another thread does; it looks each second."""
    waited = threading.Event()
    for _ in range(200):
        if holds():
            return
        waited.wait(0.05)
    pytest.fail("it did not come to that")


def last(url: str, run_id: str = RUN) -> Progress | None:
    with postgres.connect(url, autocommit=True) as connection:
        found = watch.last(connection, run_id)
    return None if found is None else found[0]


def picture(catalog: Catalog, clock: Callable[[], float] = lambda: 0.0, **given: Any) -> Picture:
    given = {"estimate": {}, "stage": "phases", "done": set(), "before": {}, "rejects": {}} | given
    return Picture(plan.build(catalog), clock=clock, **given)


def seen(made: Picture) -> Progress:
    return made.progress(client=watch.Client(0.0, 0, None, None), server=None, disks=())


def test_the_step_at_hand_is_the_first_of_its_phase_that_is_not_done(catalog: Catalog) -> None:
    made = picture(catalog)
    made.hear(Event("phase", "1_1_foundation", "…"))
    assert seen(made).step == "backup:companies"
    made.hear(Event("step", "backup:companies", "done"))
    assert (seen(made).phase, seen(made).step) == ("1_1_foundation", "backup:contacts")
    assert [phase.status for phase in seen(made).phases] == ["running", *["pending"] * 4]


def test_rows_of_a_load_that_goes_on_count_from_its_beginning(catalog: Catalog) -> None:
    made = picture(catalog, before={("1_1_foundation", "load:contacts"): 700}, rejects={"load:contacts": 2})
    made.hear(Event("phase", "1_1_foundation", "…"))
    made.hear(Event("progress", "load:contacts", "…", rows_done=100, rows_total=300, seconds=2.0, rejected=5))
    found = seen(made)
    assert (found.rows_done, found.rows_total, found.rate, found.eta_seconds) == (800, 1_000, 50, 4)
    assert found.rejects == 5


def test_the_time_left_follows_the_estimate_at_the_pace_so_far(catalog: Catalog) -> None:
    now = 0.0
    names = [phase.name for phase in plan.build(catalog).phases]
    made = picture(catalog, lambda: now, estimate=dict(zip(names, (10.0, 20.0, 5.0, 5.0, 0.0), strict=True)))
    assert seen(made).run_eta_seconds == 40
    made.hear(Event("phase", names[0], "…"))
    now = 4.0
    assert seen(made).run_eta_seconds == 36
    for kind in plan.build(catalog).phases[0].steps:
        made.hear(Event("step", kind.step.name, "done"))
    now = 20.0  # twice as long as estimated
    made.hear(Event("phase", names[0], "completed"))
    assert seen(made).run_eta_seconds == 60
    made.hear(Event("stage", "verify", "…"))
    assert seen(made).run_eta_seconds is None


def test_on_the_way_back_steps_are_undone_from_the_last_one_on(catalog: Catalog) -> None:
    steps = [(kind.phase, kind.step.name) for kind in plan.build(catalog).steps()]
    made = picture(catalog, stage="revert", done=set(steps))
    assert seen(made).step == steps[-1][1]
    for phase, name in reversed(steps):
        if phase == "1_5_principals":
            made.hear(Event("step", name, "taken back"))
    assert [phase.status for phase in seen(made).phases] == [*["completed"] * 4, "reverted"]
    assert seen(made).step == "grants:tasks->contact_engagement_summary"


@pytest.mark.parametrize("commit", ["batch", "phase", "all"])
def test_somebody_else_sees_the_step_while_it_is_under_way(
    commit: CommitMode, tonight: Evening, undisturbed: State
) -> None:
    (run_id,) = (path.name for path in tonight.settings.reports.iterdir())
    heard: list[Event] = []
    found: list[Progress] = []

    def look() -> bool:
        now = last(tonight.database.url, run_id)
        found[:] = [now] if now is not None and now.rows_done == 100 else []
        return bool(found)

    def hear(event: Event, /) -> None:
        if event.name == "load:activities_from_tasks" and event.kind == "progress":
            heard.append(event)
            if len(heard) == 2:  # the watch has heard of the first one
                until(look)

    assert tonight.night(emit=hear, commit=commit) == "completed"
    (during,) = found
    assert during.server is not None
    assert during.server.window_closed
    assert (during.phase, during.step) == ("1_4_activities", "load:activities_from_tasks")
    assert [phase.status for phase in during.phases] == [*["completed"] * 3, "running", "pending"]
    assert during.client.memory_bytes > 1_000_000
    after = last(tonight.database.url, run_id)
    assert after is not None
    assert [phase.status for phase in after.phases] == ["completed"] * 5
    assert state(tonight.database.url) == undisturbed


def test_what_the_runner_waits_for_is_told_and_no_text_of_a_query(
    runner: postgres.Connection, watched: Callable[..., Watcher], database: Database
) -> None:
    watched()
    with postgres.connect(database.url) as other:
        other.execute("lock table public.tags")
        waits = threading.Thread(target=runner.execute, args=["select 'secret@example.org', * from public.tags"])
        waits.start()
        until(lambda: (now := last(database.url)) and now.server and now.server.blocked_by)
        found = last(database.url)
        assert found is not None
        assert found.server is not None
        assert found.server.blocked_by == (other.info.backend_pid,)
        assert found.server.locks_waited_for == 1
        with postgres.connect(database.url) as asking:
            assert "secret" not in str(asking.execute("select document from migration.progress").fetchone())
        other.rollback()
        waits.join()


def test_a_disk_that_runs_full_cancels_what_the_runner_is_at(
    runner: postgres.Connection, watched: Callable[..., Watcher], tmp_path: Path
) -> None:
    left = iter([2_000_000, *[900_000] * 1_000])
    with pytest.raises(psycopg.errors.QueryCanceled):
        watcher = watched(usage=lambda _folder: next(left), disk_floor="1MB")
        runner.execute("select pg_sleep(600)")
    asked = watcher.stop()
    assert asked is not None
    assert "1 MB are free" in str(asked)
    assert "disk_floor is 1MB" in str(asked)
    assert str(tmp_path) in str(asked) or "the server's data" in str(asked)


def test_a_run_under_the_floor_stops_with_the_place_and_goes_on_once_there_is_room(
    tonight: Evening, undisturbed: State
) -> None:
    greedy = tonight.at(tonight.settings.model_copy(update={"disk_floor": "2047GB"}))
    said = greedy.stops()
    assert "stopped before a disk is full" in said
    assert "disk_floor is 2047GB" in said
    assert "Make room there" in said
    assert tonight.night() == "completed"
    assert state(tonight.database.url) == undisturbed


def test_a_watch_whose_session_is_lost_says_so_comes_back_and_stops_nothing(
    runner: postgres.Connection, watched: Callable[..., Watcher], database: Database
) -> None:
    said: list[Event] = []
    watcher = watched(emit=said.append)
    until(lambda: last(database.url) is not None)
    ended = runner.execute(
        """
        select pg_terminate_backend(pid, 5000) from pg_catalog.pg_stat_activity
        where datname = current_database() and application_name like '% watch %'
        """
    )
    assert ended.fetchall() == [(True,)]
    runner.execute("delete from migration.progress")

    def back() -> bool:
        watcher.hear(Event("note", "x", "y"))
        return [event.kind for event in said] == ["warning", "note"]

    until(back)
    assert "its session is lost" in said[0].message
    until(lambda: last(database.url) is not None)


def test_a_watch_that_cannot_write_stops_nothing(tonight: Evening, undisturbed: State) -> None:
    with psycopg.connect(tonight.database.admin_url, autocommit=True) as admin:
        admin.execute("alter table migration.progress add constraint nobody check (run_id is null) not valid")
        said: list[str] = []
        assert tonight.night(emit=lambda event: said.append(event.message)) == "completed"
        assert any("its session is lost" in message for message in said)
    assert state(tonight.database.url) == undisturbed


def test_the_metrics_are_read_by_prometheus_s_own_parser(tonight: Evening) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    assert tonight.night() == "completed"
    text = tonight.settings.metrics_file.read_text()
    found = {family.name: family.samples for family in text_string_to_metric_families(text)}
    assert found["crm_migrate_running"][0].value == 0
    assert found["crm_migrate_memory_bytes"][0].value > 1_000_000
    assert {sample.labels["phase"]: sample.value for sample in found["crm_migrate_phase_done_ratio"]} == {
        phase.name: 1.0 for phase in workflow.plan().phases
    }


def test_each_look_is_a_line_in_the_folder_of_the_run(watched: Callable[..., Watcher], tmp_path: Path) -> None:
    watched()
    file = tmp_path / RUN / "resources.jsonl"
    until(lambda: file.is_file() and file.read_text("utf-8").endswith("\n"))
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert {line["stage"] for line in lines} == {"phases"}
    assert min(line["memory_bytes"] for line in lines) > 1_000_000
    assert min(line["free_bytes"] for line in lines) > 0


def test_the_readme_documents_every_metric() -> None:
    from crm_migrate.watch import metrics

    told = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert [name for name in metrics.GAUGES if f"`{name}`" not in told] == []


def test_a_pause_before_the_first_change_opens_the_window_and_later_the_run_goes_on(
    sample: Database, undisturbed: State, tmp_path: Path
) -> None:
    settings = settings_for(sample, tmp_path, disk_floor="1MB")
    approved(settings)

    def pause(event: Event, /) -> None:
        if (event.kind, event.name) == ("stage", "close"):
            workflow.pause(settings=settings)

    with pytest.raises(Paused, match="before stage snapshot, as asked; nothing was changed, and the window is open"):
        workflow.execute(confirm=sample.name, settings=settings, emit=pause)
    seen = workflow.monitor(settings=settings)
    assert (seen.status, seen.window) == ("paused", None)
    run = workflow.execute(confirm=sample.name, settings=settings)
    assert run is not None
    assert run.status == "completed"
    assert state(sample.url) == undisturbed
