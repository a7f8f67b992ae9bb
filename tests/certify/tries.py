"""One try: a night dies at a boundary, the same command goes on, and has to end as a night that nothing disturbed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg

from certify import bench as benches
from certify import boundaries, compared, translations
from certify.bench import DATABASE, Bench
from certify.boundaries import Boundary
from certify.processes import in_child
from certify.stretches import Death, Place, Point
from crm_migrate import files, isolate, workflow
from crm_migrate.errors import MigrationError
from crm_migrate.events import Event
from crm_migrate.execute import CommitMode
from crm_migrate.watch import Watcher

BATCH_SIZE = 100
_STATE: Any = import_module("crm_migrate.execute.state")  # the package has a function of that name
_COUNTER = "batches-begun"
_NOT_READ = {"events.jsonl", "migration.log", _COUNTER}  # by a call of execute


@dataclass(frozen=True, slots=True)
class Start:
    """A database and a folder to begin from: those of the evening, or what an earlier try left behind its death.

    Attributes:
        ahead: how many places come before, in an undisturbed night, that a call from here no longer has; negative
            where it has more, for it looks first at what is there.
        aligned: from which place of the undisturbed night on a call from here has the same places.
        finished: how many batches the database has already.
        begun: how many were begun until then.
    """

    name: str
    ahead: int
    aligned: int
    finished: int
    begun: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a try.

    Attributes:
        place: where it was, in words.
        resumed: whether it went on to the end; False where an earlier try did from the very same.
        redone: batches that were begun and not finished, so that they were begun once more.
        left: fingerprints of what the dead runner left.
        problem: why this is no proof; empty where all is as it has to be.
    """

    point: Point
    place: str
    resumed: bool
    redone: int
    left: dict[str, str]
    problem: str


@dataclass(frozen=True, slots=True)
class Said:
    """How a call of `execute` ended in words: its exit code, its paragraph, and the places that it came by."""

    exit_code: int
    text: str
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """What a commit mode's night looks like without any harm, and what is compared with it."""

    places: tuple[Place, ...]
    outcome: Any


EVENING = Start("evening", 0, 0, 0, 0)


def survey(bench: Bench, commit: CommitMode) -> Undisturbed:
    """Let a night of this mode pass undisturbed, and note its boundaries."""
    benches.begin(bench, "evening")
    said, learned = in_child(lambda: (_surveyed(bench, commit), translations.known())).value
    translations.learn(learned)
    if said.exit_code:
        raise SystemExit(f"the undisturbed night ended with {said.exit_code}: {said.text}")
    begun, finished = _begun(bench), compared.finished(bench)
    if begun != finished:
        raise SystemExit(f"the undisturbed night began {begun} batches and finished {finished}")
    return Undisturbed(said.places, compared.everything(bench))


def attempt(
    bench: Bench,
    point: Point,
    undisturbed: Undisturbed,
    start: Start,
    *,
    keep: str = "",
    before: Outcome | None = None,
) -> tuple[Outcome, Start | None]:
    """Make one try.

    Args:
        keep: under which name to keep what the dead runner left, to begin from later.
        before: a try of the same class that went on to the end: from what it left, the end is known.

    Returns:
        What came of it, and that start; None where it is none.
    """
    place = undisturbed.places[point.number]
    where = f"{place.stage}: {place.side} {place.statement}"
    left: dict[str, str] = {}
    resumed, redone, next_start = False, 0, None
    try:
        benches.begin(bench, start.name)
        meet = _killer(point.death, point.number - start.ahead, place, bench)
        ended = in_child(lambda: _execute(bench, point.commit, meet))
        problem = _first_call(point, ended.killed, ended.value)
        if not problem:
            left = compared.left(bench)
            if before is not None and not keep and left == before.left:
                return Outcome(point, where, False, before.redone, left, ""), None
            resumed, begun, finished = True, _begun(bench), compared.finished(bench)
            if keep:
                benches.keep(bench, keep)
            noting = None if keep else lambda _boundary: None
            said: Said = in_child(lambda: _execute(bench, point.commit, noting)).value
            problem = "" if said.exit_code == 0 else f"going on ended with {said.exit_code}: {said.text}"
            if not problem and keep:
                next_start = _aligned(keep, said.places, undisturbed.places, finished, begun)
        if not problem:
            problem = "; ".join(compared.differences(compared.everything(bench), undisturbed.outcome))
            redone = (_begun(bench) - start.begun) - (compared.finished(bench) - start.finished)
        if not problem and point.commit == "batch" and redone > 1:
            problem = f"{redone} batches were done twice"
    except (RuntimeError, OSError, psycopg.Error, AssertionError) as error:
        problem = f"the try itself failed: {type(error).__name__}: {error}"
    return Outcome(point, where, resumed, redone, left, problem), next_start


def _aligned(name: str, here: tuple[Place, ...], whole: tuple[Place, ...], finished: int, begun: int) -> Start:
    """Where the places of a night that went on are those of one that nothing disturbed, told from their ends."""
    same = 0
    for one, other in zip(reversed(here), reversed(whole), strict=False):
        if (one.side, one.statement, one.session) != (other.side, other.statement, other.session):
            break
        same += 1
    return Start(name, len(whole) - len(here), len(whole) - same, finished, begun)


def _first_call(point: Point, killed: bool, said: Said | None) -> str:
    """What is wrong with the way in which the call ended that met with death; empty where nothing is."""
    if point.death == "kill":
        return "" if killed else f"the night ended before it came to this boundary: {said.text if said else ''}"
    if said is None:
        return "the process died"
    if said.exit_code not in (0, 5):
        return f"the call ended with {said.exit_code}: {said.text}"
    return ""


def _killer(death: Death, number: int, place: Place, bench: Bench) -> Callable[[Boundary], None]:
    met = 0

    def meet(boundary: Boundary) -> None:
        nonlocal met
        met += 1
        if met - 1 != number:
            return
        if (boundary.side, boundary.statement) != (place.side, place.statement):
            raise AssertionError(f"another place than in the undisturbed night: {boundary.side} {boundary.statement}")
        if death == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif death == "terminate":
            benches.end_session(bench, boundary.connection.info.backend_pid)
        else:
            benches.restart(bench)
        if boundary.side == "after":  # it is committed, and the client never hears of it
            boundary.connection.pgconn.finish()
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    return meet


def _begun(bench: Bench) -> int:
    file = bench.run / _COUNTER
    return file.stat().st_size if file.exists() else 0


def _execute(
    bench: Bench,
    commit: CommitMode,
    meet: Callable[[Boundary], None] | None,
    stretch: Callable[[], int] = lambda: 0,
) -> Said:
    """In a child: run the night; without `meet` note every boundary, each in the stretch that it stands in."""
    benches.no_fsync()
    _count_batches(bench)
    _STATE._SAVE_EVERY = float("inf")  # run.json is written where a load ends, never by the clock
    places: list[Place] = []
    stage = "begin"

    def hear(event: Event) -> None:
        nonlocal stage
        if event.kind == "stage":
            stage = event.name

    def note(boundary: Boundary) -> None:
        places.append(Place(stage, boundary.side, boundary.statement, boundary.session, stretch()))

    boundaries.watch(note if meet is None else meet)
    try:
        workflow.execute(confirm=DATABASE, commit=commit, batch_size=BATCH_SIZE, settings=bench.settings, emit=hear)
    except MigrationError as error:
        return Said(error.exit_code, f"{error} {error.hint}", tuple(places))
    except Exception as error:
        return Said(1, f"{type(error).__name__}: {error}", tuple(places))
    return Said(0, "", tuple(places))


def _surveyed(bench: Bench, commit: CommitMode) -> Said:
    """In a child: run the night, and tell the stretches apart.

    A transaction that has written is seen in another session's snapshot as soon as it ends, and not before.
    """
    number, last = 0, ("", frozenset[tuple[str, int, int]]())
    Watcher.work = lambda _watcher: None  # its commits are not the night's

    def stretch() -> int:
        nonlocal number, last
        with boundaries.unseen():
            row = outside.execute("select pg_current_snapshot()::text").fetchone()
        now = str(row), frozenset(_written(bench.run))
        number, last = number + (now != last), now
        return number

    with bench.admin() as outside:
        return _execute(bench, commit, None, stretch)


def _written(folder: Path) -> Iterator[tuple[str, int, int]]:
    """The run's files, each with its size and when it was last written."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _written(Path(entry.path))
            elif entry.name not in _NOT_READ:
                with suppress(FileNotFoundError):  # written by another thread, under a name for a moment
                    yield entry.path, entry.stat().st_size, entry.stat().st_mtime_ns


def _count_batches(bench: Bench) -> None:
    """A byte in a file for each batch that is begun; halves of one that fails count with it."""
    move, counter = isolate.move, os.open(bench.run / _COUNTER, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    depth = 0

    def counted(*given: Any, **options: Any) -> Any:
        nonlocal depth
        if depth == 0:
            os.write(counter, b".")
        depth += 1
        try:
            return move(*given, **options)
        finally:
            depth -= 1

    isolate.move = counted
    files.sync_folder = lambda _folder: None
