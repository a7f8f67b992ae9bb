"""A run is seen from anywhere while it works, once it is paused, and once it is dead; processes of their own."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from pydantic import SecretStr
from rich.console import Console

from conftest import Database, Server
from crm_migrate import terminal, workflow
from crm_migrate.errors import NoSuchRun
from crm_migrate.monitor import Happened
from crm_migrate.settings import Settings
from evenings import Evening, evening, fresh
from nights import State, settings_for, state


@pytest.fixture(scope="module")
def approved_evening(
    server: Server, sample_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Evening]:
    with evening(server, sample_template, tmp_path_factory.mktemp("monitored"), disk_floor="1MB") as made:
        yield made


@pytest.fixture
def tonight(server: Server, approved_evening: Evening, tmp_path: Path) -> Evening:
    return fresh(server, approved_evening, tmp_path)


@pytest.fixture
def holding(tonight: Evening) -> Iterator[psycopg.Connection]:
    """Somebody whom the first step of the night waits for, until a rollback."""
    with suppress(psycopg.OperationalError), psycopg.connect(tonight.database.admin_url) as other:
        other.execute("lock table public.companies in access exclusive mode")
        yield other


@dataclass(frozen=True, slots=True)
class CommandLine:
    """The command line, called in a folder of its own."""

    folder: Path
    environment: dict[str, str]

    def __call__(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*arguments), cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == code, f"{arguments}: {done.returncode} {done.stdout[-800:]} {done.stderr[-800:]}"
        assert "Traceback" not in done.stdout + done.stderr
        return done

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "crm_migrate", *arguments]

    def sight(self, *arguments: str) -> dict[str, Any]:
        seen = json.loads(self("monitor", "--json", *arguments).stdout)
        assert isinstance(seen, dict)
        return seen

    def until(self, holds: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        for _ in range(60):
            seen = self.sight()
            if holds(seen):
                return seen
        pytest.fail(f"it did not come to that: {seen}")


def at(made: Evening, **more: str) -> CommandLine:
    """The command line where the evening's files lie."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CRM_MIGRATE_", "PG"))}
    places = {
        "CRM_MIGRATE_DATABASE_URL": made.database.url,
        "CRM_MIGRATE_WORKSPACE": str(made.settings.workspace),
        "CRM_MIGRATE_REPORTS": str(made.settings.reports),
        "CRM_MIGRATE_GRACE_SECONDS": "0",
        "CRM_MIGRATE_DISK_FLOOR": "1MB",
        "CRM_MIGRATE_RETRIES": "20",
        "COLUMNS": "200",
    }
    return CommandLine(made.settings.reports.parent, kept | places | more)


@pytest.fixture
def here(tonight: Evening) -> CommandLine:
    return at(tonight)


@pytest.fixture
def elsewhere(tonight: Evening, tmp_path: Path) -> CommandLine:
    """As on another machine: the database is all that it shares with the runner."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    places = {"CRM_MIGRATE_WORKSPACE": str(folder / "bench"), "CRM_MIGRATE_REPORTS": str(folder / "reports")}
    return CommandLine(folder, at(tonight, **places).environment)


def ends(process: int) -> None:
    """Wait until a process is gone, whoever takes note of its end."""
    waited = threading.Event()
    for _ in range(1_200):
        with suppress(psutil.NoSuchProcess):
            if psutil.Process(process).status() != psutil.STATUS_ZOMBIE:
                waited.wait(0.05)
                continue
        return
    pytest.fail("the process goes on and on")


def test_a_detached_run_outlives_its_terminal_is_seen_from_elsewhere_paused_and_finished(
    tonight: Evening, holding: psycopg.Connection, here: CommandLine, elsewhere: CommandLine, undisturbed: State
) -> None:
    begun = json.loads(here("execute", "--confirm", tonight.database.name, "--detach", "--json").stdout)
    process = begun["process"]
    assert begun["at_work"] is True
    assert os.getsid(process) == process, "it has a session of its own"
    os.kill(process, signal.SIGHUP)
    seen = elsewhere.until(lambda seen: seen["progress"] and seen["progress"]["server"]["blocked_by"])
    assert (seen["run_id"], seen["status"], seen["source"]) == (begun["run_id"], "running", "database")
    assert seen["process"] == process
    assert f"process {process}" in seen["runner"]
    assert seen["progress"]["step"] == "backup:companies"
    assert seen["progress"]["server"]["blocked_by"] == [holding.info.backend_pid]
    assert seen["window"]["since"]
    assert here("execute", "--confirm", tonight.database.name, "--detach", code=4).stderr.count("another run") == 1
    elsewhere("pause")
    holding.rollback()
    ends(process)
    paused = elsewhere.sight()
    assert paused["status"] == "paused"
    assert "It is paused." in paused["hint"]
    assert f"execute --run {begun['run_id']}" in paused["hint"]
    assert "paused" in Path(begun["output"]).read_text()
    assert json.loads(here("execute", "--confirm", tonight.database.name, "--json").stdout)["status"] == "completed"
    done = elsewhere.sight()
    assert (done["status"], done["hint"], done["window"]) == ("completed", "", None)
    assert [phase["status"] for phase in done["phases"]] == ["completed"] * 5
    assert state(tonight.database.url) == undisturbed


def test_a_detached_run_that_is_refused_says_why_and_ends_as_it_would_have(tonight: Evening, here: CommandLine) -> None:
    done = here("execute", "--confirm", "another", "--detach", code=4)
    assert "confirmation missing" in done.stderr
    assert tonight.database.name in done.stderr


def test_a_killed_runner_is_said_to_be_stopped_with_what_to_do(
    tonight: Evening, holding: psycopg.Connection, here: CommandLine, elsewhere: CommandLine, undisturbed: State
) -> None:
    process = json.loads(here("execute", "--confirm", tonight.database.name, "--detach", "--json").stdout)["process"]
    elsewhere.until(lambda seen: seen["progress"])
    os.kill(process, signal.SIGKILL)
    holding.rollback()  # its backend notices only now that nobody is there any more
    seen = elsewhere.until(lambda seen: seen["status"] != "running")
    assert seen["status"] == "stopped"
    assert "Nobody drives it." in seen["hint"]
    assert "crm-migrate execute" in seen["hint"]
    assert "stopped" in elsewhere("monitor").stdout
    assert json.loads(here("status", "--json").stdout)["status"] == "stopped"
    assert "no run is under way" in elsewhere("pause", code=2).stderr
    assert tonight.night() == "completed"
    assert state(tonight.database.url) == undisturbed


def test_ctrl_c_ends_the_watching_and_not_the_run(
    tonight: Evening, holding: psycopg.Connection, here: CommandLine
) -> None:
    process = json.loads(here("execute", "--confirm", tonight.database.name, "--detach", "--json").stdout)["process"]
    ours, theirs = pty.openpty()
    with (
        subprocess.Popen(here.command("monitor"), env=here.environment, cwd=here.folder, stdout=theirs) as watching,
        os.fdopen(ours, "rb", buffering=0) as terminal,
    ):
        os.close(theirs)
        shown = ""
        while "backup:companies" not in shown:
            shown += terminal.read(4096).decode(errors="replace")
        watching.send_signal(signal.SIGINT)
        with suppress(OSError):  # that is how a terminal ends
            while terminal.read(4096):
                pass
    assert watching.returncode == 0
    assert psutil.Process(process).is_running()
    holding.rollback()
    ends(process)
    assert json.loads(here("status", "--json").stdout)["status"] == "completed"


@pytest.mark.parametrize("said", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_runner_that_is_told_to_end_cancels_its_statement_says_so_and_goes_on_later(
    said: signal.Signals, tonight: Evening, holding: psycopg.Connection, here: CommandLine, undisturbed: State
) -> None:
    command = here.command("execute", "--confirm", tonight.database.name)
    with subprocess.Popen(
        command,
        env=here.environment,
        cwd=here.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(said, signal.SIG_DFL),  # else what `nohup` ignores is ignored here, too
    ) as process:
        here.until(lambda seen: seen["progress"] and seen["progress"]["server"]["blocked_by"])
        process.send_signal(said)
        if said == signal.SIGINT:
            process.send_signal(said)  # a second one is not worse
        _, words = process.communicate(timeout=60)
    assert process.returncode == 5
    assert "Traceback" not in words
    assert "again" in words.splitlines()[-1]
    holding.rollback()
    assert tonight.night() == "completed"
    assert state(tonight.database.url) == undisturbed


def test_without_a_database_the_files_tell_it_and_say_so(
    migrated: tuple[Any, Database], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, _database = migrated
    nowhere = settings.model_copy(update={"database_url": None, "workspace": tmp_path / "empty"})
    seen = workflow.monitor(settings=nowhere)
    assert (seen.source, seen.status) == ("files", "completed")
    assert "The embedded PostgreSQL does not run. This is what run.json says." in seen.hint
    assert seen.events[-1].name == "open"
    monkeypatch.setenv("CRM_MIGRATE_REPORTS", str(settings.reports))
    monkeypatch.setenv("CRM_MIGRATE_DATABASE_URL", "postgresql://owner@127.0.0.1:1/crm")
    assert "no session with database 'crm'" in workflow.monitor().hint


@pytest.mark.parametrize(("width", "height"), [(80, 24), (80, 16), (120, 40)])
def test_on_a_small_terminal_the_last_events_are_shown_and_nothing_is_cut(
    width: int, height: int, migrated: tuple[Any, Database]
) -> None:
    settings, _database = migrated
    seen = workflow.monitor(settings=settings)
    said = tuple(Happened(seen.started_at, "note", "step", f"event {n} " + "and more " * 18) for n in range(8))
    seen = replace(seen, events=said)
    console = Console(width=width, height=height, file=io.StringIO(), force_terminal=True)
    rendered = console.render_lines(terminal.OnOneScreen(seen), pad=False)
    shown = "\n".join("".join(segment.text for segment in line) for line in rendered)
    assert len(rendered) <= height
    assert "event 7" in shown
    assert "event 6" in shown
    assert ("event 0" in shown) == (height == 40)


def test_of_a_server_that_cannot_be_reached_it_says_so_also_where_nothing_was_executed(tmp_path: Path) -> None:
    settings = Settings(
        database_url=SecretStr("postgresql://owner@127.0.0.1:1/crm"),
        reports=tmp_path / "reports",
        workspace=tmp_path / "bench",
    )
    (tmp_path / "reports" / "20261122T020000Z").mkdir(parents=True)
    with pytest.raises(NoSuchRun, match=r"no session with database 'crm' on 127\.0\.0\.1"):
        workflow.monitor(settings=settings)


def test_whoever_waits_for_a_detached_run_and_is_interrupted_hears_that_it_goes_on(
    tonight: Evening, holding: psycopg.Connection, here: CommandLine
) -> None:
    command = here.command("execute", "--confirm", tonight.database.name, "--detach")
    with subprocess.Popen(
        command,
        env=here.environment,
        cwd=here.folder,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as waiting:
        begun: list[psutil.Process] = []
        while not begun and waiting.poll() is None:
            children = psutil.Process(waiting.pid).children()
            begun = [child for child in children if "--detach" not in child.cmdline() and "execute" in child.cmdline()]
        waiting.send_signal(signal.SIGINT)
        _, words = waiting.communicate(timeout=60)
    (said,) = words.splitlines()
    assert waiting.returncode == 5
    assert f"process {begun[0].pid} goes on" in said
    assert "crm-migrate abort" in said
    assert here.until(lambda seen: seen["status"] == "running")["process"] == begun[0].pid
    holding.rollback()
    ends(begun[0].pid)
    assert here.sight()["status"] == "completed"


def test_of_a_run_that_nobody_began_there_is_nothing_to_see(sample: Database, tmp_path: Path) -> None:
    folder = CommandLine(tmp_path, os.environ | {"CRM_MIGRATE_DATABASE_URL": sample.url})
    assert "no such run to watch" in folder("monitor", code=2).stderr
    assert "no such run to watch" in folder("monitor", "--run", "20200101T000000Z", code=2).stderr


def test_a_way_back_is_not_paused_but_waited_for(migrated: tuple[Any, Database]) -> None:
    from crm_migrate import postgres
    from crm_migrate.errors import Refused

    settings, database = migrated
    with postgres.connect(database.url, autocommit=True, purpose="rollback") as runner:
        runner.execute("update migration.runs set status = 'running', stage = 'revert'")
        with postgres.migration_lock(runner), pytest.raises(Refused, match="is being taken back"):
            workflow.pause(settings=settings)
        assert settings_for(database, settings.workspace).database_url is not None
        seen = workflow.monitor(settings=settings)
        assert seen.status == "stopped"
        assert "crm-migrate rollback" in seen.hint
