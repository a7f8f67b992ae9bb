"""Behind a transaction pooler nothing is begun; behind one in session mode, or none, a session keeps its backend."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from crm_migrate import pooler, postgres, space
from crm_migrate.errors import Refused
from crm_migrate.settings import Settings

PROGRAM = "/usr/sbin/pgbouncer"
START_SECONDS = 20.0

Pool = Callable[..., str]


@pytest.fixture
def pooled(owned15: tuple[str, str]) -> Iterator[Pool]:
    """Starts pgbouncer before the database and gives the URL through it; skips where there is none."""
    if not Path(PROGRAM).exists():
        reason = "pgbouncer is not installed (Debian's package pgbouncer)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    with ExitStack() as stack:
        yield lambda mode, **more: stack.enter_context(_Running(owned15[1], mode, more)).url


class _Running:
    """One pgbouncer on loopback, in a folder of its own; it refuses to run as root, who lets another user run it."""

    def __init__(self, url: str, mode: str, more: dict[str, str]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
        parts = conninfo_to_dict(url)
        self.url = make_conninfo(url, port=port)
        server = f"host=127.0.0.1 port={parts['port']} user={parts['user']} password={parts['password']}"
        lines = ["[databases]", f"{parts['dbname']} = {server}", "[pgbouncer]"]
        settings = {"listen_addr": "127.0.0.1", "listen_port": port, "pool_mode": mode, "auth_type": "trust"}
        settings |= {"auth_file": self.folder / "users", "logfile": self.folder / "log", "unix_socket_dir": ""} | more
        lines.extend(f"{name} = {value}" for name, value in settings.items())
        (self.folder / "ini").write_text("\n".join(lines))
        (self.folder / "users").write_text(f'"{parts["user"]}" ""\n')

    def __enter__(self) -> _Running:
        user = "postgres" if os.geteuid() == 0 else getpass.getuser()
        if os.geteuid() == 0:
            for path in (self.folder, *self.folder.iterdir()):
                os.chown(path, pwd.getpwnam(user).pw_uid, -1)
        self.process = subprocess.Popen(
            [PROGRAM, "-q", str(self.folder / "ini")],
            user=user if os.geteuid() == 0 else None,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.url).close()
                return self
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    self.__exit__()
                    raise

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)


@pytest.mark.parametrize("more", [{}, {"server_round_robin": "1"}, {"default_pool_size": "2"}])
def test_a_transaction_pooler_is_refused_however_it_hands_out_its_backends(pooled: Pool, more: dict[str, str]) -> None:
    with (
        postgres.connect(pooled("transaction", **more), autocommit=True) as connection,
        pytest.raises(Refused, match="a pooler stands between") as raised,
    ):
        pooler.require_own_backend(connection)
    assert (raised.value.exit_code, "session mode" in raised.value.hint) == (4, True)


@pytest.mark.parametrize(
    ("mode", "more"), [("transaction", {"default_pool_size": "1", "query_wait_timeout": "1"}), ("statement", {})]
)
def test_a_pooler_that_has_one_backend_for_all_or_allows_no_transaction_is_refused(
    mode: str, more: dict[str, str], pooled: Pool
) -> None:
    with postgres.connect(pooled(mode, **more), autocommit=True) as connection, pytest.raises(Refused):
        pooler.require_own_backend(connection)


def test_a_transaction_pooler_that_others_use_as_well_is_refused(pooled: Pool) -> None:
    url = pooled("transaction", server_round_robin="1")
    with ExitStack() as stack:
        others = [stack.enter_context(psycopg.connect(url)) for _ in range(4)]
        for other in others:
            other.execute("select 1")
        for other in others:
            other.commit()
        connection = stack.enter_context(postgres.connect(url, autocommit=True))
        with pytest.raises(Refused):
            pooler.require_own_backend(connection)


def test_a_pooler_in_session_mode_is_fine(pooled: Pool) -> None:
    with postgres.connect(pooled("session"), autocommit=True) as connection:
        pooler.require_own_backend(connection)
        assert connection.info.backend_pid != postgres.backend_pid(connection)  # the pooler's own number, of no process
        assert "the server's data" in {place.what for place in space.places(connection, Settings())}


def test_without_a_pooler_a_session_keeps_its_backend(owned15: tuple[str, str]) -> None:
    with postgres.connect(owned15[1], autocommit=True) as connection:
        pooler.require_own_backend(connection)
        assert not pooler.is_pooled(connection)
