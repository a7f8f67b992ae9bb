"""One try: a night dies at a boundary, the same command goes on, and has to end as a night that nothing disturbed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import psycopg
from psycopg import sql

from certify import bench as benches
from certify import boundaries
from certify.bench import DATABASE, Bench
from certify.boundaries import Boundary
from certify.processes import in_child
from crm_migrate import execute, files, isolate, postgres, workflow
from crm_migrate.errors import MigrationError
from crm_migrate.events import Event
from crm_migrate.execute import CommitMode
from nights import state

Death = Literal["kill", "terminate", "restart"]
STARTS = ("evening", "phases", "verify")
BATCH_SIZE = 100
_COUNTER = "batches-begun"
_HISTORY = """
    select phase, step, status, rows_done, rows_total, cursor_key, error from public.migration_history order by 1, 2
"""
_COPIES = """
    select relname from pg_catalog.pg_class
    where relnamespace = 'migration_backup'::regnamespace and relkind = 'r' order by 1
"""
_BATCHES = "select phase, step, low, high, rows, rejected from migration.batches order by 1, 2, 3, 4"
_DATABASE = """
    select coalesce(roles.rolname, 'public'), entries.privilege_type, entries.is_grantable, databases.datconnlimit
    from pg_catalog.pg_database as databases
    cross join lateral aclexplode(coalesce(databases.datacl, acldefault('d', databases.datdba))) as entries
    left join pg_catalog.pg_roles as roles on roles.oid = entries.grantee
    where databases.datname = current_database() order by 1, 2
"""
_SEQUENCES = """
    select sequencename, last_value from pg_catalog.pg_sequences
    where schemaname = 'public'
        and sequencename ~ '^(companies|contacts|contactNotes|opportunities|opportunityNotes|sales|tags|tasks)_id_seq$'
    order by 1
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A boundary of the undisturbed night: where it stands, in words."""

    stage: str
    side: str
    statement: str


@dataclass(frozen=True, slots=True)
class Point:
    """Where and how a night is to die.

    Attributes:
        number: which boundary after the start, counted from 0.
    """

    commit: CommitMode
    death: Death
    start: str
    number: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a try.

    Attributes:
        redone: batches that were begun more than once.
        problem: why this is no proof; empty where all is as it has to be.
    """

    point: Point
    place: str
    redone: int
    problem: str


@dataclass(frozen=True, slots=True)
class Said:
    """How a call of `execute` ended in words: its exit code, and its paragraph."""

    exit_code: int
    text: str
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """What a commit mode's night looks like without any harm.

    Attributes:
        places: all boundaries behind each start.
        outcome: everything that is compared.
        batches: how many were begun.
    """

    places: dict[str, tuple[Place, ...]]
    outcome: Any
    batches: int


def survey(bench: Bench, commit: CommitMode) -> Undisturbed:
    """Let a night of this mode pass undisturbed, count its boundaries, and keep the points to begin from."""
    benches.begin(bench, "evening")
    whole = _night(bench, commit)
    _require(whole)
    outcome, begun = everything(bench), _begun(bench)
    places = {"evening": _until(whole.places, "phases")}
    for start in ("phases", "verify"):
        benches.begin(bench, "evening" if start == "phases" else "phases")
        earlier = whole.places if start == "phases" else places["phases"]
        ended = in_child(lambda: _execute(bench, commit, _killer("kill", len(_until(earlier, start)), bench)))  # noqa: B023
        assert ended.killed
        benches.keep(bench, start)
        rest = _night(bench, commit)
        _require(rest)
        places[start] = rest.places
    places["phases"] = _until(places["phases"], "verify")
    return Undisturbed(places, outcome, begun)


def attempt(bench: Bench, point: Point, undisturbed: Undisturbed) -> Outcome:
    """Make one try."""
    place = undisturbed.places[point.start][point.number]
    where = f"{place.stage}: {place.side} {place.statement}"
    try:
        benches.begin(bench, point.start)
        ended = in_child(lambda: _execute(bench, point.commit, _killer(point.death, point.number, bench)))
        problem = _first_call(point, ended.killed, ended.value)
        if not problem:
            resumed = in_child(lambda: _execute(bench, point.commit, lambda _boundary: None)).value
            problem = "" if resumed.exit_code == 0 else f"going on ended with {resumed.exit_code}: {resumed.text}"
        if not problem:
            problem = "; ".join(_differences(everything(bench), undisturbed.outcome))
        redone = max(0, _begun(bench) - undisturbed.batches)
        if not problem and point.commit == "batch" and redone > 1:
            problem = f"{redone} batches were done twice"
    except (RuntimeError, OSError, psycopg.Error, AssertionError) as error:
        return Outcome(point, where, 0, f"the try itself failed: {type(error).__name__}: {error}")
    return Outcome(point, where, redone, problem)


def everything(bench: Bench) -> dict[str, Any]:
    """All that has to be the same.

    Left out are times, events, and in new tables the surrogate keys and their sequences: a batch that was rolled back
    leaves a gap there.
    """
    url = bench.server.url(DATABASE)
    found = state(url)
    with postgres.connect(url) as connection:
        rejects = connection.execute("select count(*) from migration.rejects").fetchone()
        run = execute.load(next(path for path in bench.settings.reports.iterdir() if path.is_dir()))
        return {
            "objects": found.objects,
            "rows": found.rows,
            "rights": found.rights,
            "history": connection.execute(_HISTORY).fetchall(),
            "copies": [(name.rpartition("_")[0], _count(connection, name)) for (name,) in connection.execute(_COPIES)],
            "sequences": connection.execute(_SEQUENCES).fetchall(),
            "database": connection.execute(_DATABASE).fetchall(),
            "rejects": rejects,
            "batches": connection.execute(_BATCHES).fetchall(),
            "window": connection.execute("select count(*) from migration.window_state").fetchall(),
            "runs": connection.execute("select status, stage from migration.runs").fetchall(),
            "run.json": (run.status, run.stage, [(step.phase, step.step, step.status) for step in run.steps]),
        }


def _count(connection: postgres.Connection, copy: str) -> int:
    name = sql.Identifier("migration_backup", copy)
    row = connection.execute(sql.SQL("select count(*) from {}").format(name)).fetchone()
    assert row is not None
    return int(row[0])


def _differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    differing = []
    for name, value in wanted.items():
        if found[name] == value:
            continue
        inner = ""
        if isinstance(value, dict):
            inner = ", ".join(
                sorted(str(key) for key in {*value, *found[name]} if value.get(key) != found[name].get(key))[:5]
            )
        elif isinstance(value, list):
            inner = str([row for row in found[name] if row not in value][:3])
        differing.append(f"{name} differ: {inner}")
    return differing


def _first_call(point: Point, killed: bool, said: Said | None) -> str:
    """What is wrong with the way in which the call ended that met with death; empty where nothing is."""
    if point.death == "kill":
        return "" if killed else "the night ended before it came to this boundary"
    if said is None:
        return "the process died"
    if said.exit_code not in (0, 5):
        return f"the call ended with {said.exit_code}: {said.text}"
    return ""


def _killer(death: Death, number: int, bench: Bench) -> Callable[[Boundary], None]:
    met = 0

    def meet(boundary: Boundary) -> None:
        nonlocal met
        met += 1
        if met - 1 != number:
            return
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


def _night(bench: Bench, commit: CommitMode) -> Said:
    said = in_child(lambda: _execute(bench, commit, None)).value
    assert isinstance(said, Said)
    return said


def _require(said: Said) -> None:
    if said.exit_code:
        raise SystemExit(f"the undisturbed night ended with {said.exit_code}: {said.text}")


def _until(places: Sequence[Place], stage: str) -> tuple[Place, ...]:
    """The places before the first one of a stage."""
    first = next(number for number, place in enumerate(places) if place.stage == stage)
    return tuple(places[:first])


def _begun(bench: Bench) -> int:
    file = bench.run / _COUNTER
    return file.stat().st_size if file.exists() else 0


def _execute(bench: Bench, commit: CommitMode, meet: Callable[[Boundary], None] | None) -> Said:
    """In a child: run the night; without `meet` note every boundary."""
    benches.no_fsync()
    _count_batches(bench)
    places: list[Place] = []
    stage = "begin"

    def hear(event: Event) -> None:
        nonlocal stage
        if event.kind == "stage":
            stage = event.name

    def note(boundary: Boundary) -> None:
        places.append(Place(stage, boundary.side, boundary.statement))

    boundaries.watch(note if meet is None else meet)
    try:
        workflow.execute(confirm=DATABASE, commit=commit, batch_size=BATCH_SIZE, settings=bench.settings, emit=hear)
    except MigrationError as error:
        return Said(error.exit_code, f"{error} {error.hint}", tuple(places))
    except Exception as error:
        return Said(1, f"{type(error).__name__}: {error}", tuple(places))
    return Said(0, "", tuple(places))


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
