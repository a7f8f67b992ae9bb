"""A command in a process of its own, which outlives the terminal that began it (C11)."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from crm_migrate import history, postgres
from crm_migrate.errors import Stopped
from crm_migrate.postgres import Connection

_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Detached:
    """A process that was begun.

    Attributes:
        output: the file with all that it says.
        exit_code: None while it is at work; else it came to its end while it was waited for.
        said: its last words, where it has ended.
    """

    run_id: str
    process: int
    output: str
    exit_code: int | None = None
    said: str = ""


def begin(arguments: Sequence[str], *, url: str, run_id: str, output: Path) -> Detached:
    """Begin `crm-migrate` with these arguments, and wait until it drives the run, or has ended.

    Raises:
        ServerUnreachable, NotAtomicCrm: nothing was begun.
        Stopped: whoever waited was interrupted; the process goes on.
    """
    with postgres.connect(url, autocommit=True, purpose="detach") as connection:
        postgres.require_atomic_crm(connection)
        postgres.act_as_owner(connection)
        output.parent.mkdir(parents=True, exist_ok=True)
        with output.open("ab") as file, _no_hang_up():
            before = file.tell()
            process = subprocess.Popen(
                [sys.executable, "-m", "crm_migrate", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            while (code := process.poll()) is None:
                if _drives(connection, run_id, process.pid):
                    _leave(process)
                    return Detached(run_id, process.pid, str(output))
                time.sleep(_LOOK_SECONDS)
        except KeyboardInterrupt:
            _leave(process)
            raise Stopped(
                f"only the waiting was interrupted: process {process.pid} goes on, and begins run {run_id}; what it "
                f"says is in {output}",
                hint="Watch it with `crm-migrate monitor`, stop it with `crm-migrate pause`, take it back with "
                "`crm-migrate abort --confirm DATABASE`.",
            ) from None
    return Detached(run_id, process.pid, str(output), code, _last_line(output, before))


def _leave(process: subprocess.Popen[bytes]) -> None:
    """Wait for its end beside all else, so that a kernel that lives on leaves no zombie."""
    threading.Thread(target=process.wait, daemon=True).start()


@contextmanager
def _no_hang_up() -> Iterator[None]:
    """What is begun meanwhile does not end when its terminal does: whoever is begun inherits what is ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def _drives(connection: Connection, run_id: str, process: int) -> bool:
    """Whether a process has taken the run on; one that is refused never does."""
    with suppress(psycopg.Error):  # the server may go away: then the process ends by itself
        run = history.run(connection, run_id)
        if run is not None and run.status == "running":
            return (run.pid, run.host) == (process, socket.gethostname())
    return False


def _last_line(file: Path, before: int) -> str:
    with file.open("rb") as said:
        said.seek(before)
        lines = said.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""
