"""The PostgreSQL that comes along: started on demand, found running, stopped, and there again after a crash."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from crm_migrate import embedded
from crm_migrate.errors import ServerUnreachable


@pytest.fixture
def workspace() -> Iterator[Path]:
    """A workspace of its own, with a path short enough for a socket; its server is stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="crm-", ignore_cleanup_errors=True) as folder:
        try:
            yield Path(folder)
        finally:
            embedded.stop(Path(folder))


def postmaster(workspace: Path) -> psutil.Process:
    return psutil.Process(int((workspace / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0]))


def ask(server: embedded.Server, statement: str) -> object:
    with psycopg.connect(server.admin_url(), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def test_starting_twice_finds_the_same_server(workspace: Path) -> None:
    first = embedded.start(workspace)
    process = postmaster(workspace)
    assert embedded.start(workspace) == first
    assert postmaster(workspace) == process


def test_it_is_postgresql_18_or_later_on_a_socket_alone(workspace: Path) -> None:
    server = embedded.start(workspace)
    assert int(str(ask(server, "show server_version_num"))) >= 180000
    assert ask(server, "show listen_addresses") == ""


def test_stopping_tells_whether_anything_ran(workspace: Path) -> None:
    embedded.start(workspace)
    assert embedded.is_running(workspace)
    assert embedded.stop(workspace)
    assert not embedded.is_running(workspace)
    assert not embedded.stop(workspace)


def test_rows_outlive_a_stop(workspace: Path) -> None:
    ask(embedded.start(workspace), "create table kept as select 42 as answer")
    embedded.stop(workspace)
    assert ask(embedded.start(workspace), "select answer from kept") == 42


def test_committed_rows_outlive_a_killed_server(workspace: Path) -> None:
    server = embedded.start(workspace)
    ask(server, "create table kept as select 42 as answer")
    process = postmaster(workspace)
    family = [process, *process.children(recursive=True)]
    process.send_signal(signal.SIGKILL)
    psutil.wait_procs(family, timeout=30)
    assert not embedded.is_running(workspace)
    assert ask(embedded.start(workspace), "select answer from kept") == 42


def test_a_number_that_another_program_has_now_is_not_taken_for_the_server(workspace: Path) -> None:
    server = embedded.start(workspace)
    embedded.stop(workspace)
    stale = f"{os.getpid()}\n{server.folder}\n1700000000\n5432\n{server.socket}\n\n  1 1\nready   \n"
    (server.folder / "postmaster.pid").write_text(stale)
    assert not embedded.is_running(workspace)
    assert ask(embedded.start(workspace), "select 1") == 1
    assert postmaster(workspace).pid != os.getpid()


def test_the_tools_are_of_the_servers_own_version(workspace: Path) -> None:
    server = embedded.start(workspace)
    version = str(ask(server, "show server_version")).split()[0]
    for tool in ("psql", "pg_dump", "pg_restore"):
        said = subprocess.run([server.bin / tool, "--version"], capture_output=True, text=True, check=True)
        assert version in said.stdout


def test_a_server_that_cannot_start_names_its_log(workspace: Path) -> None:
    embedded.start(workspace)
    embedded.stop(workspace)
    settings = workspace / "postgres" / "postgresql.conf"
    settings.write_text(f"{settings.read_text()}\nno_such_setting = on\n")
    with pytest.raises(ServerUnreachable, match="did not start") as raised:
        embedded.start(workspace)
    assert str(workspace.resolve() / "postgres" / "log") in raised.value.hint


def on_a_fresh_machine(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script where nobody has made the server's user yet: in a view of the files of its own.

    The script finds the folder as $1, this Python as $2, and as $3 a program that begins with a data directory.
    """
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        pytest.skip("only root makes a user for the server, and may have a view of the files of its own")
    lay = """
        set -e
        cp -a /etc "$1/etc"
        sed -i '/^pgserver:/d' "$1"/etc/passwd "$1"/etc/shadow "$1"/etc/group "$1"/etc/gshadow
        mount --bind "$1/etc" /etc
        mkdir "$1/bin"
    """
    begin = "import pathlib, sys; from crm_migrate import embedded; embedded._handle(pathlib.Path(sys.argv[1]))"
    command = ["unshare", "--mount", "sh", "-c", lay + script, "-", folder, sys.executable, begin]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_two_processes_that_are_the_first_on_a_machine_do_not_both_make_the_servers_user(tmp_path: Path) -> None:
    slow = f"""#!/bin/sh\nexec flock "$0" sh -c 'sleep 0.5; exec {shutil.which("useradd")} "$@"' - "$@"\n"""
    (tmp_path / "useradd").write_text(slow)
    done = on_a_fresh_machine(
        tmp_path,
        """
        install -m 755 "$1/useradd" "$1/bin/useradd"
        export PATH="$1/bin:$PATH"
        "$2" -c "$3" "$1/one" & one=$!
        "$2" -c "$3" "$1/other" & other=$!
        wait $one
        wait $other
        getent passwd pgserver
        """,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("pgserver:")


def test_a_machine_on_which_the_servers_user_cannot_be_made_is_told_so(tmp_path: Path) -> None:
    done = on_a_fresh_machine(tmp_path, 'PATH="$1/bin" "$2" -c "$3" "$1/one"')
    assert "ServerUnreachable" in done.stderr
    assert "system user pgserver could not be made ([Errno 2] No such file or directory: 'useradd')" in done.stderr
