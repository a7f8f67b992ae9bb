"""The thread: each second it looks, writes down what it saw, and cancels the run where a disk runs full."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg

from crm_migrate import history, postgres, space
from crm_migrate.errors import MigrationError, Stopped
from crm_migrate.events import Event, Sink
from crm_migrate.plan import Plan
from crm_migrate.postgres import Connection
from crm_migrate.settings import Settings
from crm_migrate.space import Place
from crm_migrate.watch import metrics, server, trace
from crm_migrate.watch.picture import Picture
from crm_migrate.watch.value import Client, Disk, Progress, Server

_EVERY = 1.0  # seconds between two looks
_ENDING_SECONDS = 5.0  # what the thread gets to end; a daemon thread keeps no process alive


class Watcher:
    """What the thread does; its `hear` and `stop` belong to the runner's own thread."""

    def __init__(
        self,
        runner: Connection,
        picture: Picture,
        *,
        url: str,
        run_id: str,
        folder: Path,
        settings: Settings,
        emit: Sink,
        usage: Callable[[Path], int] = space.free,
    ) -> None:
        self._runner, self._picture = runner, picture
        self._url, self._run_id, self._settings, self._emit, self._usage = url, run_id, settings, emit, usage
        self._folder = folder
        self._backend = postgres.backend_pid(runner)
        self._places: tuple[Place, ...] = space.places(runner, settings)
        self._process = psutil.Process()
        self._io = self._counters()
        self._connection: Connection | None = None
        self._wal: int | None = None
        self._unsaid: deque[Event] = deque()
        self._lost = self._unwritten = False
        self._low: Stopped | None = None
        self._told = False
        self._ending = threading.Event()
        self._process.cpu_percent()  # the first answer is always 0

    def hear(self, event: Event, /) -> None:
        """Take an event of the run, and say what the thread had to say since the last one."""
        self._picture.hear(event)
        while self._unsaid:
            self._emit(self._unsaid.popleft())

    def stop(self) -> Stopped | None:
        """Why the run is to stop, or None; once that is told, nothing is cancelled any more."""
        self._told = self._low is not None
        return self._low

    def work(self) -> None:
        """Look until `end`."""
        while not self._ending.is_set():
            self._look_safely(running=True)
            self._ending.wait(_EVERY)
        self._look_safely(running=False)
        if self._connection is not None:
            self._connection.close()

    def _look_safely(self, *, running: bool) -> None:
        try:
            self.look(running=running)
        except Exception as error:  # noqa: BLE001  a watch that fails must not fail the run
            self._say(f"nobody watches for now: {type(error).__name__}; the run goes on")

    def end(self) -> None:
        """Let the thread end, after a last look."""
        self._ending.set()

    def look(self, *, running: bool) -> None:
        """Look once; a session or a file that fails is said, and stops nothing.

        Args:
            running: whether the run goes on; a last look opens no session.
        """
        disks = self._disks()
        seen: Server | None = None
        try:
            seen = self._ask() if running or self._connection is not None else None
            progress = self._picture.progress(client=self._client(), server=seen, disks=disks)
            self._keep(progress)
        except (psycopg.Error, MigrationError) as error:
            self._lose(error)
            progress = self._picture.progress(client=self._client(), server=None, disks=disks)
        try:
            metrics.write(self._settings.metrics_file, progress, running=running)
            trace.append(self._folder, progress)
            self._unwritten = False
        except OSError as error:
            if not self._unwritten:
                where = error.filename or self._settings.metrics_file
                self._say(f"no metrics: {error.strerror or type(error).__name__} ({where})")
            self._unwritten = True
        if self._low is not None and not self._told and running:
            self._cancel()

    def _ask(self) -> Server:
        if self._connection is None:
            self._connection = server.connect(self._url)
            if self._wal is None:
                self._wal = server.wal(self._connection)
            if self._lost:
                self._unsaid.append(Event("note", "watch", "the session that tells how far the run is, is back"))
            self._lost = False
        return server.look(self._connection, runner=self._backend, wal_since=self._wal)

    def _keep(self, progress: Progress) -> None:
        if self._connection is not None:
            server.keep(self._connection, self._run_id, progress)

    def _lose(self, error: Exception) -> None:
        """Forget a session that failed; the next look opens another one."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        if not self._lost:
            state = getattr(error, "sqlstate", None)
            why = f"{type(error).__name__}{f', SQLSTATE {state}' if state else ''}"
            self._say(f"`crm-migrate monitor` sees nothing new for now: its session is lost ({why}); the run goes on")
        self._lost = True

    def _say(self, message: str) -> None:
        self._unsaid.append(Event("warning", "watch", message))

    def _disks(self) -> list[Disk]:
        """What is left of each disk; one under the floor stops the run."""
        found = []
        for place in self._places:
            with suppress(OSError):
                found.append(Disk(place.what, str(place.folder), self._usage(place.folder)))
        low = next((disk for disk in found if disk.free_bytes < self._settings.disk_floor_bytes), None)
        if low is not None and self._low is None:
            self._low = Stopped(
                f"run {self._run_id} stopped before a disk is full: {low.free_bytes / 1e6:,.0f} MB are free on the one "
                f"of {low.what} ({low.folder}), and disk_floor is {self._settings.disk_floor}",
                hint="Make room there, or lower disk_floor (which wants a new decision where nothing is changed yet), "
                "then run the same command again: it resumes.",
            )
        return found

    def _cancel(self) -> None:
        """Cancel whatever the runner is at; it asks why."""
        with suppress(psycopg.Error, MigrationError):
            self._runner.cancel_safe(timeout=_EVERY)
            if self._connection is not None:
                server.cancel(self._connection, runner=self._backend)

    def _client(self) -> Client:
        read, written = self._counters()
        since = self._io
        return Client(
            cpu_percent=round(self._process.cpu_percent(), 1),
            memory_bytes=self._process.memory_info().rss,
            read_bytes=None if read is None or since[0] is None else read - since[0],
            written_bytes=None if written is None or since[1] is None else written - since[1],
        )

    def _counters(self) -> tuple[int | None, int | None]:
        with suppress(AttributeError, psutil.Error, OSError):  # not every system counts
            counted = self._process.io_counters()
            return counted.read_bytes, counted.write_bytes
        return None, None


@contextmanager
def watching(
    runner: Connection,
    plan: Plan,
    *,
    url: str,
    run_id: str,
    folder: Path,
    stage: str,
    settings: Settings,
    estimate: Mapping[str, float],
    emit: Sink,
    usage: Callable[[Path], int] = space.free,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Watcher]:
    """Watch a run from a thread of its own for as long as this lasts.

    Args:
        runner: the session that does the work, idle at the moment; the state tables are there.
        folder: of the run; each look is appended to its `resources.jsonl`.
        estimate: seconds by phase.
        emit: hears what the thread has to say, in the runner's own thread.
        usage: free bytes where a folder lies.

    Raises:
        Stopped: a disk ran full; in place of whatever that cancellation led to.
    """
    steps, rejects = history.steps(runner, run_id), history.rejects(runner, run_id)
    picture = Picture(
        plan,
        estimate,
        clock,
        stage,
        done={key for key, step in steps.items() if step.status == "completed"},
        before={key: step.rows_done for key, step in steps.items() if step.status in ("running", "failed")},
        rejects={step: len(keys) for step, keys in rejects.items()},
    )
    watcher = Watcher(runner, picture, url=url, run_id=run_id, folder=folder, settings=settings, emit=emit, usage=usage)
    thread = threading.Thread(target=watcher.work, name="crm-migrate watch", daemon=True)
    thread.start()
    try:
        yield watcher
    except Exception as error:
        low = watcher.stop()
        if low is None or low is error:
            raise
        raise low from error
    finally:
        watcher.end()
        thread.join(_ENDING_SECONDS)
