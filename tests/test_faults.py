"""Whatever fails in a night, it ends finished, or stopped with a paragraph that says what to do, and finishes then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from conftest import Server
from crm_migrate import embedded, workflow
from crm_migrate.errors import Refused
from crm_migrate.events import Event, Sink, tee
from crm_migrate.execute import CommitMode
from evenings import Evening, evening, fresh
from nights import State, state
from proxies import proxy

LIMITS = {"lock_timeout_ms": 150, "idle_timeout_ms": 2_000, "retries": 2, "grace_seconds": 0}
FOUNDATION, ACTIVITIES = "1_1_foundation", "1_4_activities"


@pytest.fixture(scope="module")
def approved_evening(
    server: Server, sample_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Evening]:
    """An approved evening with time-outs that a test can wait for."""
    with evening(server, sample_template, tmp_path_factory.mktemp("evening"), **LIMITS) as made:
        yield made


@pytest.fixture
def tonight(server: Server, approved_evening: Evening, tmp_path: Path) -> Evening:
    return fresh(server, approved_evening, tmp_path)


@pytest.fixture
def other(tonight: Evening) -> Iterator[psycopg.Connection]:
    """Somebody else's session, of a superuser, so that the window does not end it; it comes after the window closed."""
    with suppress(psycopg.OperationalError), psycopg.connect(tonight.database.admin_url) as connection:
        yield connection


def once(name: str, strike: Callable[[], object], *, phase: str = FOUNDATION, kind: str = "step") -> Sink:
    """A sink that strikes when it first hears of `name` in `phase`."""
    heard: set[str] = set()

    def hear(event: Event, /) -> None:
        if event.kind == "phase":
            heard.add(event.name)
        if (event.kind, event.name) == (kind, name) and phase in heard and "struck" not in heard:
            heard.add("struck")
            strike()

    return hear


def finishes(made: Evening, undisturbed: State) -> None:
    assert made.night() == "completed"
    assert state(made.database.url) == undisturbed


def end_sessions_of_the_run(made: Evening) -> None:
    with psycopg.connect(made.database.admin_url) as admin:
        admin.execute(
            """
            select pg_terminate_backend(pid, 5000) from pg_catalog.pg_stat_activity
            where datname = current_database() and application_name like 'crm-migrate%'
            """
        )


def test_sessions_that_are_ended_while_it_verifies_are_no_verdict(tonight: Evening, undisturbed: State) -> None:
    said = tonight.stops(emit=once("verify", lambda: end_sessions_of_the_run(tonight), kind="stage"))
    assert "somebody ended this session" in said or "session with the server is lost" in said
    assert not (workflow.run_folder("latest", tonight.settings) / "verification.json").exists()
    finishes(tonight, undisturbed)


@pytest.mark.parametrize(
    ("table", "phase", "step"),
    [
        ("contacts", FOUNDATION, "load:companies"),  # the next load writes it
        ("tasks", ACTIVITIES, "sql:10_tables"),  # the next load reads it
        ("migration_history", FOUNDATION, "load:companies"),
    ],
)
def test_a_lock_that_somebody_holds_for_too_long_stops_the_night_until_it_is_gone(
    table: str, phase: str, step: str, tonight: Evening, other: psycopg.Connection, undisturbed: State
) -> None:
    lock = f"lock table public.{table} in access exclusive mode".encode()
    said = tonight.stops(emit=once(step, lambda: other.execute(lock), phase=phase))
    assert "somebody else holds a lock for longer than lock_timeout_ms" in said
    assert "End that session" in said
    other.rollback()
    finishes(tonight, undisturbed)


@pytest.mark.parametrize("commit", ["batch", "all"])
def test_a_lock_that_is_let_go_is_waited_for(
    commit: CommitMode, tonight: Evening, other: psycopg.Connection, undisturbed: State
) -> None:
    held = "lock table public.tasks in access exclusive mode"
    take = once("sql:10_tables", lambda: other.execute(held.encode()), phase=ACTIVITIES)
    let_go = once("load:activities_from_tasks", other.rollback, phase=ACTIVITIES, kind="retry")
    assert tonight.night(emit=tee(take, let_go), commit=commit) == "completed"
    assert state(tonight.database.url) == undisturbed


@contextmanager
def deadlocking(made: Evening, other: psycopg.Connection) -> Iterator[Sink]:
    """In a phase that is one transaction: the other one holds what the night needs next, and waits for what it has."""
    with psycopg.connect(made.database.admin_url, autocommit=True) as admin:
        admin.execute(  # before it gives up waiting; the other one never looks, so that the night is the one to fail
            f"alter role {embedded.OWNER} in database {made.database.name} set deadlock_timeout = '20ms'".encode()
        )

    def wait_for_it() -> None:
        with suppress(psycopg.OperationalError):
            other.execute("lock table public.tasks in access exclusive mode")

    waiting = threading.Thread(target=wait_for_it)

    def strike() -> None:
        other.execute("set deadlock_timeout = '1h'")
        other.execute('lock table public."contactNotes" in access exclusive mode')
        waiting.start()
        with psycopg.connect(made.database.admin_url, autocommit=True) as looking:
            asked = "select from pg_catalog.pg_locks where pid = %s and not granted"
            while looking.execute(asked, [other.info.backend_pid]).fetchone() is None:
                pass

    yield once("load:activities_from_tasks", strike, phase=ACTIVITIES)
    waiting.join()


def test_a_deadlock_is_tried_again_once_the_other_one_gives_way(
    tonight: Evening, other: psycopg.Connection, undisturbed: State
) -> None:
    give_way = once("load:activities_from_contact_notes", other.cancel, phase=ACTIVITIES, kind="retry")
    with deadlocking(tonight, other) as deadlock:
        assert tonight.night(emit=tee(deadlock, give_way), commit="phase") == "completed"
    assert state(tonight.database.url) == undisturbed


def test_a_deadlock_that_comes_again_and_again_stops_the_night_until_the_other_one_is_gone(
    tonight: Evening, other: psycopg.Connection, undisturbed: State
) -> None:
    with deadlocking(tonight, other) as deadlock:
        said = tonight.stops(emit=deadlock, commit="phase")
    assert "deadlocks with another session, again and again" in said
    assert "End that session" in said
    other.rollback()
    finishes(tonight, undisturbed)


def test_a_full_disk_stops_the_night_until_there_is_room(server: Server, tonight: Evening, undisturbed: State) -> None:
    if not isinstance(server, embedded.Server):
        pytest.skip("the files of the server are somewhere else")
    tonight.stops(emit=once("sql:10_tables", lambda: workflow.pause(settings=tonight.settings), phase=ACTIVITIES))
    with psycopg.connect(tonight.database.admin_url) as admin:
        row = admin.execute("select pg_relation_filepath('public.activities')").fetchone()
    assert row is not None
    file = server.folder / row[0]
    kept = file.rename(file.with_name(f"{file.name}.kept"))
    file.symlink_to("/dev/full")  # whatever is written there, the kernel says that no space is left
    said = tonight.stops()
    assert "the server's disk is full (SQLSTATE 53100)" in said
    assert "Make room on the server" in said
    kept.rename(file)
    finishes(tonight, undisturbed)


@pytest.mark.parametrize("commit", ["batch", "phase", "all"])
def test_a_session_that_somebody_ends_stops_the_night_and_the_next_call_goes_on(
    commit: CommitMode, tonight: Evening, undisturbed: State
) -> None:
    strike = once("load:activities_from_tasks", lambda: end_sessions_of_the_run(tonight), phase=ACTIVITIES)
    said = tonight.stops(emit=strike, commit=commit)
    assert "somebody ended this session" in said
    finishes(tonight, undisturbed)


@pytest.mark.parametrize("commit", ["batch", "all"])
def test_a_network_that_breaks_in_the_middle_of_an_answer_stops_the_night(
    commit: CommitMode, server: Server, tonight: Evening, undisturbed: State, tmp_path: Path
) -> None:
    if not isinstance(server, embedded.Server):
        pytest.skip("the proxy stands before the embedded server")
    with proxy(server.socket / ".s.PGSQL.5432") as line:
        address = SecretStr(f"postgresql://{embedded.OWNER}@127.0.0.1:{line.port}/{tonight.database.name}")
        far = tonight.at(tonight.settings.model_copy(update={"database_url": address}))
        said = far.stops(emit=once("load:activities_from_tasks", line.cut, phase=ACTIVITIES), commit=commit)
        assert "the session with the server is lost" in said
        assert "run the same command again" in said
    finishes(tonight, undisturbed)


@contextmanager
def told(made: Evening, step: str, commit: CommitMode = "batch") -> Iterator[subprocess.Popen[str]]:
    """The command line in a process of its own, as soon as it has spoken of `step`."""
    environment = os.environ | {f"CRM_MIGRATE_{name}".upper(): str(value) for name, value in LIMITS.items()}
    environment |= {
        "CRM_MIGRATE_DATABASE_URL": made.database.url,
        "CRM_MIGRATE_WORKSPACE": str(made.settings.workspace),
        "CRM_MIGRATE_REPORTS": str(made.settings.reports),
    }
    command = [sys.executable, "-m", "crm_migrate", "execute", "--confirm", made.database.name, "--batch-size", "20"]
    with subprocess.Popen(
        [*command, "--commit", commit], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            if not any(f" {step}: " in line for line in process.stderr):
                pytest.fail(f"the run never came to {step}")
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.kill()


def test_a_night_that_is_told_to_end_stops_and_says_so(tonight: Evening, undisturbed: State) -> None:
    with told(tonight, "load:contacts") as process:
        process.terminate()
        _, said = process.communicate()
        assert process.returncode == 5
    assert "was interrupted" in said
    assert "run the same command again" in " ".join(said.lower().split())
    finishes(tonight, undisturbed)


def test_a_machine_that_sleeps_for_longer_than_a_transaction_may_stand_idle_stops_the_night(
    tonight: Evening, undisturbed: State
) -> None:
    with told(tonight, "load:contacts", "all") as process:
        process.send_signal(signal.SIGSTOP)
        with psycopg.connect(tonight.database.admin_url, autocommit=True) as looking:
            asked = """
                select pg_sleep(0.05) from pg_catalog.pg_locks
                where locktype = 'advisory' and database =
                    (select oid from pg_catalog.pg_database where datname = current_database())
            """
            while looking.execute(asked).fetchone() is not None:
                pass
        process.send_signal(signal.SIGCONT)
        _, said = process.communicate()
        assert process.returncode == 5
    causes = ("stood idle for longer than idle_timeout_ms", "the session with the server is lost")
    # the latter where libpq reads the server's last word between two statements, and takes it for a notice
    assert any(cause in " ".join(said.split()) for cause in causes)
    finishes(tonight, undisturbed)


def test_while_a_night_hangs_a_second_one_is_refused_and_told_where_the_first_one_runs(
    tonight: Evening, undisturbed: State
) -> None:
    with told(tonight, "load:contacts") as process:
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(Refused, match=f"{process.pid}") as refusal:
            tonight.night()
        assert refusal.value.exit_code == 4
        process.kill()
        process.communicate()
    end_sessions_of_the_run(tonight)  # a killed process's backend may be busy for a moment yet
    finishes(tonight, undisturbed)
