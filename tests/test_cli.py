"""The command line as a newcomer meets it, on a PostgreSQL 15 that is not the embedded one, as a mere owner."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from psycopg import conninfo, sql

from conftest import Database
from crm_migrate import history, postgres
from crm_migrate.catalog import Catalog
from crm_migrate.cli import app
from crm_migrate.settings import Settings
from other_server import OtherServer
from test_window import closed

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Bench:
    """A folder and an environment in which the command line is called."""

    folder: Path
    environment: dict[str, str]

    def __call__(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "crm_migrate", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == code, (
            f"{arguments} ended with {done.returncode}: {done.stdout[-500:]} {done.stderr[-2000:]}"
        )
        assert "Traceback" not in done.stderr + done.stdout
        return done

    def json(self, *arguments: str, code: int = 0) -> dict[str, object]:
        done = self(*arguments, "--json", code=code)
        answer = json.loads(done.stdout)
        assert isinstance(answer, dict)
        return answer


def bench(folder: Path, url: str) -> Bench:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CRM_MIGRATE_", "PG"))}
    return Bench(folder, kept | {"CRM_MIGRATE_DATABASE_URL": url, "CRM_MIGRATE_GRACE_SECONDS": "0", "COLUMNS": "200"})


def test_every_command_works_for_an_owner_on_another_server(owned15: tuple[str, str], tmp_path: Path) -> None:
    name, url = owned15
    run = bench(tmp_path, url)
    assert run.json("demo", "--contacts", "200", "--seed", "3")["database"] == name
    assert run.json("doctor")["checks"]
    assert run.json("snapshot")["tables"]
    assert run.json("assess")["blocker_rows"] == 0
    assert Path(str(run.json("fixes")["file"])).name == "fixes.sql"
    assert run.json("dry-run")["models"]
    assert run.json("decide")["approved_by"] is None
    run("diff", code=2)
    assert run.json("decide", "--approved-by", "Tess Ter")["verdict"] == "GO"
    assert len(run.json("plan")["phases"]) == 5  # type: ignore[arg-type]
    assert run.json("execute", "--confirm", name, "--batch-size", "50")["status"] == "completed"
    assert run.json("status")["status"] == "completed"
    assert run.json("monitor")["status"] == "completed"
    assert run.json("verify")["ok"] is True
    assert run.json("dictionary")["database"] == name
    index = tmp_path / str(run.json("report")["index"])
    assert {"03_execute.html", "04_verify.html", "index.html"} <= {page.name for page in index.parent.glob("*.html")}
    assert run.json("cleanup")["removed"] is False
    assert run.json("cleanup", "--confirm", name)["copies"] == []
    assert run.json("rollback", "--confirm", name)["status"] == "rolled_back"
    run("pause", code=2)
    assert not (tmp_path / ".workbench" / "postgres").exists(), "the embedded server was started"


def test_a_rehearsal_leaves_the_source_alone(owned15: tuple[str, str], tmp_path: Path) -> None:
    _name, url = owned15
    run = bench(tmp_path, url)
    run("demo", "--contacts", "100")
    run("assess")
    try:
        run("dry-run", "--rehearse")
    finally:
        run.environment.pop("CRM_MIGRATE_DATABASE_URL")
        run("demo", "--stop")
    rehearsal = json.loads(next((tmp_path / "reports").glob("*/rehearsal.json")).read_text())
    assert rehearsal["verified"] is True
    assert rehearsal["left_over"] == []
    with postgres.connect(url) as connection:
        assert connection.execute(
            "select to_regclass('migration.runs'), to_regclass('public.opportunities')"
        ).fetchone() == (
            None,
            None,
        )


def paragraph(done: subprocess.CompletedProcess[str]) -> str:
    """What a user reads at the end: one paragraph, without any path of Python's."""
    last = done.stderr.strip().splitlines()[-1]
    assert ".py" not in last
    return last


def test_a_wrong_password_is_one_paragraph(owned15: tuple[str, str], server15: OtherServer, tmp_path: Path) -> None:
    name, _url = owned15
    done = bench(tmp_path, server15.url(name, f"{name}_owner", "not-the-secret"))("doctor", code=2)
    assert "password authentication failed" in paragraph(done)
    assert "not-the-secret" not in done.stderr


def test_a_wrong_host_is_one_paragraph(tmp_path: Path) -> None:
    done = bench(tmp_path, "postgresql://owner@127.0.0.1:1/crm")("assess", code=2)
    assert "127.0.0.1" in paragraph(done)


def test_a_database_that_is_not_there_is_one_paragraph(server15: OtherServer, tmp_path: Path) -> None:
    done = bench(tmp_path, server15.url("nowhere"))("snapshot", code=2)
    assert 'database "nowhere" does not exist' in paragraph(done)


def test_a_database_that_is_no_crm_is_one_paragraph_and_leaves_no_run(owned15: tuple[str, str], tmp_path: Path) -> None:
    run = bench(tmp_path, owned15[1])
    for command in ("doctor", "snapshot", "assess"):
        assert "is not an Atomic CRM" in paragraph(run(command, code=2))
    assert not list(tmp_path.glob("reports/*"))


def test_an_unknown_option_is_a_usage_error(tmp_path: Path) -> None:
    assert "--bogus" in bench(tmp_path, "host=127.0.0.1")("assess", "--bogus", code=2).stderr


def test_an_address_that_is_none_is_one_paragraph(tmp_path: Path) -> None:
    assert "not a libpq URI" in paragraph(bench(tmp_path, "mysql:/what?")("doctor", code=2))


def test_a_bad_setting_is_named(tmp_path: Path) -> None:
    run = bench(tmp_path, "host=127.0.0.1")
    run.environment["CRM_MIGRATE_CRITERIA__WARNING_RATIO"] = "many"
    assert "warning_ratio" in paragraph(run("status", code=2))


def test_a_run_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    run = bench(tmp_path, "host=127.0.0.1")
    assert "no run" in paragraph(run("status", code=2))
    for command in ("doctor", "plan", "cleanup", "execute"):
        assert "no run" in paragraph(run(command, "--run", "20200101T000000Z", code=2))


@pytest.mark.parametrize("command", ["execute", "rollback"])
def test_without_confirmation_it_is_refused(command: str, tmp_path: Path) -> None:
    assert "confirmation missing" in paragraph(bench(tmp_path, "host=127.0.0.1")(command, code=4))


def test_a_second_runner_is_refused_before_the_rest_of_the_program_is_loaded(
    sample: Database, decided: Settings, tmp_path: Path
) -> None:
    run = bench(tmp_path, sample.url)
    run.environment["CRM_MIGRATE_WORKSPACE"] = str(decided.workspace)
    run.environment["PYTHONPROFILEIMPORTTIME"] = "1"
    with postgres.connect(sample.url, purpose="execute") as first, postgres.migration_lock(first):
        done = run("execute", "--confirm", sample.name, code=4)
        assert f"session {first.info.backend_pid}" in done.stderr
    assert "crm_migrate.postgres" in done.stderr
    assert "crm_migrate.workflow" not in done.stderr
    assert "polars" not in done.stderr


def test_dirty_data_is_a_no_go_with_its_reasons(owned15: tuple[str, str], tmp_path: Path) -> None:
    run = bench(tmp_path, owned15[1])
    run("demo", "--contacts", "300", "--dirt", "0.2")
    run("assess")
    run("dry-run")
    decision = run.json("decide", "--approved-by", "Tess Ter", code=3)
    assert decision["verdict"] == "NO_GO"
    assert any("warning" in str(reason) for reason in decision["reasons"])  # type: ignore[union-attr]


def commands(of: typer.Typer, before: str = "") -> list[str]:
    """What a user types: every command's name, behind that of its group."""
    own = [f"{before}{entry.name or entry.callback.__name__}" for entry in of.registered_commands]  # type: ignore[union-attr]
    groups = [(group.name, group.typer_instance) for group in of.registered_groups]
    return own + [name for group, inner in groups if inner is not None for name in commands(inner, f"{group} ")]


def test_the_readme_documents_every_command_and_every_option() -> None:
    assert {"window open", "explain-record"} <= set(commands(app))
    for name in commands(app):
        assert re.search(rf"^\| `{name}[` ]", README, flags=re.MULTILINE), f"README's table lacks the command {name}"
    assert len(re.findall(r"^\| `[a-z-]+.*` \| ", README, flags=re.MULTILINE)) >= len(commands(app))


def test_the_readme_holds_exactly_two_set_up_commands() -> None:
    block = README.split("## Five minutes")[1].split("```sh")[1].split("```")[0]
    commands = [line.split("#")[0].strip() for line in block.strip().splitlines()]
    assert commands == ["make demo", "make test"]


def test_new_is_no_run_to_look_at(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {**os.environ, "CRM_MIGRATE_REPORTS": str(tmp_path / "reports")})
    for command in ("assess", "fixes", "dry-run", "decide", "verify", "status", "report"):
        said = bench(command, "--run", "new", code=2).stderr
        assert "'new' is no run yet" in said
        assert not (tmp_path / "reports").exists()


_LOSES_ITS_SESSION = """
import sys, typer
from crm_migrate import postgres
from crm_migrate.cli.parts import told

def status():
    with postgres.connect(sys.argv[1]) as idle, postgres.connect(sys.argv[1]) as asking:
        idle.execute("select")
        asking.execute("select pg_terminate_backend(%s, 5000)", [idle.info.backend_pid])
        asking.execute("select pg_terminate_backend(pg_backend_pid())")

try:
    told(status)()
except typer.Exit as ended:
    sys.exit(ended.exit_code)
"""


def test_a_session_that_is_lost_is_one_paragraph_with_exit_code_5(database: Database) -> None:
    command = [sys.executable, "-c", _LOSES_ITS_SESSION, database.url]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 5
    (said,) = ended.stderr.splitlines()
    assert said.startswith("`crm-migrate status` stopped: ")
    assert "SQLSTATE 57P01" in said
    assert said.endswith("run the same command again.")


RUN = "20261122T020000Z"


@pytest.fixture
def half_done(database: Database, catalog: Catalog, tmp_path: Path) -> Database:
    """A database with a closed window and a run that nobody drives; the run's folder lies in `tmp_path`."""
    closed(database, catalog, RUN)
    with postgres.connect(database.url) as owner:
        history.begin(owner, RUN)
    (tmp_path / "reports" / RUN).mkdir(parents=True)
    return database


@pytest.mark.parametrize(
    "command",
    ["doctor", "status", "window status", "window open", "monitor", "pause", "abort --confirm X", "rejects", "observe"],
)
def test_a_role_that_may_not_do_that_is_one_paragraph_with_exit_code_2(
    command: str, half_done: Database, tmp_path: Path
) -> None:
    url = conninfo.make_conninfo(half_done.url, user="authenticator")
    words = command.replace("X", half_done.name).split()
    said = paragraph(bench(tmp_path, url)(*words, code=2))
    assert "authenticator" in said
    assert "onnect as" in said


@pytest.mark.parametrize("command", ["window open", "abort --confirm X", "observe"])
def test_a_database_that_takes_no_writes_is_one_paragraph_with_exit_code_2(
    command: str, half_done: Database, tmp_path: Path
) -> None:
    with postgres.connect(half_done.admin_url, autocommit=True) as admin:
        named = sql.Identifier(half_done.name)
        admin.execute(sql.SQL("alter database {} set default_transaction_read_only = on").format(named))
    words = command.replace("X", half_done.name).split()
    said = paragraph(bench(tmp_path, half_done.url)(*words, code=2))
    assert said.startswith(f"`crm-migrate {command.partition(' -')[0]}` writes")
    assert "takes no writes" in said
    assert "reset default_transaction_read_only" in said


@pytest.mark.parametrize(
    ("words", "code"), [("plan", 0), ("--help", 0), ("--version", 0), ("cleanup --help", 0), ("status --json", 0)]
)
def test_a_reader_who_goes_changes_no_exit_code(words: str, code: int, half_done: Database, tmp_path: Path) -> None:
    run = bench(tmp_path, half_done.url)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "crm_migrate", *words.split()],
        cwd=run.folder,
        env=run.environment,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    os.close(writing)
    assert (done.returncode, "ipe" in done.stderr) == (code, False), done.stderr


@pytest.mark.parametrize(("words", "code"), [("execute", 4), ("status --bogus", 2), ("status --run nowhere", 2)])
def test_an_exit_code_is_the_same_where_nobody_reads_why(words: str, code: int, tmp_path: Path) -> None:
    run = bench(tmp_path, "host=127.0.0.1")
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "crm_migrate", *words.split()]
    done = subprocess.run(command, cwd=run.folder, env=run.environment, stderr=writing, timeout=60)
    os.close(writing)
    assert done.returncode == code


@pytest.mark.parametrize("said", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whoever_ends_a_command_while_it_is_loaded_gets_one_line_and_exit_code_5(
    said: signal.Signals, tmp_path: Path
) -> None:
    run = bench(tmp_path, "host=127.0.0.1")
    with subprocess.Popen(
        [sys.executable, "-m", "crm_migrate", "plan"],
        cwd=run.folder,
        env=run.environment | {"PYTHONPROFILEIMPORTTIME": "1"},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(said, signal.SIG_DFL),
    ) as loading:
        assert loading.stderr is not None
        for line in loading.stderr:
            if line.endswith(" psycopg\n"):
                break
        loading.send_signal(said)
        words = [line for line in loading.stderr if not line.startswith("import time:")]
    assert (loading.returncode, words) == (5, ["interrupted; nothing was begun. Run the command again.\n"])
