"""How fast and how large execute is, against the straightforward way, in turn on clones of one database (issue 5).

Goals: all that execute does from the first change to the last takes at most 0.65 of the straightforward way (see
`straightforward.py`), its process stays under 300 MB, and ten times the contacts take ten times as long. What comes
before and after the phases is shown beside them. `python benchmarks/execute.py 100000 1000000`; part of `make bench`.
Each measurement is a process of its own, so that its memory is its own; both ways must end in the same state. Where
the machine has other work, the seconds of processor time, server and client together, say more than those of the clock.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import straightforward
from pipeline import bench
from psycopg import sql

from crm_migrate import access, demo, embedded, postgres, schema, workflow
from crm_migrate.events import Event
from crm_migrate.settings import Settings

SIZES = {100_000: 3, 1_000_000: 1}  # contacts, turns
BEFORE = "before_execute"
WAYS = ("execute", "straightforward")
UNCOMPARED = ("id", "created_at", "updated_at")  # of new tables: they come from sequences and clocks


def main(sizes: list[int]) -> None:
    """Measure every size, then say how time grows from the first to the last."""
    measured = [measure(size, SIZES.get(size, 1)) for size in sizes]
    if len(measured) > 1:
        clock, processor = (last / first for first, last in zip(measured[0], measured[-1], strict=True))
        print(f"{sizes[-1] / sizes[0]:.0f} times the contacts: {clock:.1f} times as long, {processor:.1f} by processor")


def measure(contacts: int, turns: int) -> tuple[float, float]:
    """Make a sample, decide, migrate clones of it in both ways in turn; returns what `show` does.

    Raises:
        SystemExit: the two ways ended in different states, so that the comparison is worth nothing.
    """
    with bench() as place:
        made = demo.create(place, contacts=contacts)
        settings = place.model_copy(update={"inputs": made.inputs})
        workflow.snapshot("new", settings=settings)
        workflow.assess(settings=settings)
        workflow.dry_run(settings=settings)
        workflow.decide(approved_by="make bench", settings=settings)
        server = embedded.start(settings.workspace)
        with postgres.connect(server.admin_url(), autocommit=True) as admin:
            admin.execute(sql.SQL("alter database {} rename to {}").format(*names(embedded.DATABASE, BEFORE)))
        runs: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
        for turn in range(turns):
            for way in WAYS if turn % 2 == 0 else reversed(WAYS):
                cloned(server)
                runs[way].append(in_a_process(way, settings))
                if turn == 0:
                    runs[way][0]["state"] = end_state(server.url(), server.url(BEFORE))
        different = differences(*(runs[way][0]["state"] for way in WAYS))
        if different:
            raise SystemExit(f"the two ways end in different states: {', '.join(different[:20])}")
    return show(contacts, runs)


def names(*plain: str) -> Iterator[sql.Identifier]:
    """Each of them as an identifier."""
    return (sql.Identifier(name) for name in plain)


def cloned(server: embedded.Server) -> None:
    """Put a fresh copy of the sample in the database's place, with nothing left to be written by the server."""
    with postgres.connect(server.admin_url(), autocommit=True) as admin:
        admin.execute(sql.SQL("drop database if exists {}").format(sql.Identifier(embedded.DATABASE)))
        admin.execute(
            sql.SQL("create database {} template {} owner {}").format(*names(embedded.DATABASE, BEFORE, embedded.OWNER))
        )
        admin.execute("checkpoint")


def in_a_process(way: str, settings: Settings) -> dict[str, Any]:
    """Run one way in a process of its own; returns what it measured."""
    given = settings.model_dump_json(include={"workspace", "reports", "inputs", "grace_seconds"})
    done = subprocess.run([sys.executable, __file__, way, given], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def run(way: str, settings: Settings) -> dict[str, Any]:
    """Migrate in one way: seconds by stage and by step, and the largest memory of this process in each stage."""
    with watched(settings) as (stages, enter):
        if way == "execute":
            steps = executed(settings, enter)
        else:
            url = embedded.start(settings.workspace).url()
            straightforward.prepare(settings, url)
            enter("phases")
            steps = straightforward.migrate(settings, url, clock=time.monotonic)
    return {"stages": stages, "steps": steps}


def executed(settings: Settings, enter: Any) -> dict[str, float]:
    """The whole night; returns the seconds of each step."""
    steps: dict[str, float] = {}
    phase = ""

    def sink(event: Event, /) -> None:
        nonlocal phase
        if event.kind == "stage":
            enter(event.name)
        elif event.kind == "phase":
            phase = event.name
        elif event.kind == "step" and event.seconds is not None:
            steps[f"{phase} {event.name}"] = event.seconds

    done = workflow.execute(confirm=embedded.DATABASE, settings=settings, emit=sink)
    if done is None or done.status != "completed":
        raise SystemExit("the run did not come to its end")
    return steps


@contextmanager
def watched(settings: Settings) -> Iterator[tuple[dict[str, list[float]], Any]]:
    """Give seconds, largest memory in MB and processor seconds of each stage, and a function that enters the next."""
    stages: dict[str, list[float]] = {}
    process, over = psutil.Process(), threading.Event()
    postmaster = psutil.Process(int((settings.workspace / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0]))
    stage, began, used = "before", time.monotonic(), worked(postmaster, process)

    def enter(name: str) -> None:
        nonlocal stage, began, used
        now, used_now = time.monotonic(), worked(postmaster, process)
        entry = stages.setdefault(stage, [0.0, 0.0, 0.0])
        entry[0] += now - began
        entry[1] = max(entry[1], process.memory_info().rss / 1e6)
        entry[2] += used_now - used
        stage, began, used = name, now, used_now

    def watch() -> None:
        while not over.wait(0.02):
            entry = stages.setdefault(stage, [0.0, 0.0, 0.0])
            entry[1] = max(entry[1], process.memory_info().rss / 1e6)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield stages, enter
    finally:
        over.set()
        watcher.join()
        enter("after")


def worked(postmaster: psutil.Process, client: psutil.Process) -> float:
    """Processor seconds so far of the server, processes that have ended included, and of this client."""
    ended = postmaster.cpu_times()
    total = ended.children_user + ended.children_system
    for process in (client, postmaster, *postmaster.children()):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def end_state(url: str, before: str) -> dict[str, str]:
    """Schema, rights and rows, each table as a bag, of a migrated database; what sequences and clocks give is left out.

    Args:
        before: the database as it was; a table that is not there is new, and so are its clocks.
    """
    with postgres.connect(before) as connection:
        old = set(schema.describe(connection))
    with postgres.connect(url) as connection:
        document = schema.describe(connection)
        state = {f"schema: {name}": text for name, text in document.items()}
        state |= {f"right: {privilege}": "" for privilege in access.privileges(connection)}
        rows = connection.execute(
            "select relname from pg_catalog.pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' "
            "and relname <> 'migration_history' order by relname"
        ).fetchall()
        for (table,) in rows:
            known = {"opportunities": "deals", "opportunityNotes": "dealNotes"}.get(table, table)
            is_old = any(name.startswith((f"column {known}.", f'column "{known}".')) for name in old)
            state[f"rows: {table}"] = bag(connection, table, () if is_old else UNCOMPARED)
    return state


def bag(connection: postgres.Connection, table: str, left_out: tuple[str, ...]) -> str:
    """Number and sum of the hashes of all rows."""
    columns = [name for name in postgres.columns(connection, f"public.{table}") if name not in left_out]
    row = connection.execute(
        sql.SQL(
            "select count(*), coalesce(sum(hashtextextended(listed::text, 0)::numeric), 0) "
            "from (select {} from {}) as listed"
        ).format(sql.SQL(", ").join(names(*columns)), sql.Identifier("public", table))
    ).fetchone()
    return str(row)


def differences(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """What is in one state only, or not the same in both."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def show(contacts: int, runs: dict[str, list[dict[str, Any]]]) -> tuple[float, float]:
    """Print what was measured, medians of all turns; returns seconds of execute's phases, by clock and processor."""

    def median(way: str, stage: str, what: int) -> float:
        return statistics.median(run["stages"].get(stage, (0.0, 0.0, 0.0))[what] for run in runs[way])

    mine = median("execute", "phases", 0)
    pairs = [[run["stages"]["phases"] for run in both] for both in zip(*(runs[way] for way in WAYS), strict=True)]
    ratios = [one[0] / two[0] for one, two in pairs]
    work = statistics.median(one[2] / two[2] for one, two in pairs)
    print(f"\n{contacts:,} contacts, {len(ratios)} turns, same end state\n")
    print("| | seconds | of a processor | memory, MB |\n|---|---|---|---|")
    for called, way, stage in (
        ("the straightforward way", "straightforward", "phases"),
        ("execute, first change to last", "execute", "phases"),
        ("beside it: the window closes", "execute", "close"),
        ("final snapshot, checks, prediction", "execute", "snapshot"),
        ("pg_dump, verified", "execute", "backup"),
        ("verification", "execute", "verify"),
    ):
        seconds, memory, processor = (median(way, stage, what) for what in range(3))
        print(f"| {called} | {seconds:.1f} | {processor:.1f} | {memory:.0f} |")
    print(f"\nratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), of processors {work:.2f}")
    steps = {
        name: [statistics.median(run["steps"].get(name, 0.0) for run in runs[way]) for way in WAYS]
        for way in WAYS
        for name in runs[way][0]["steps"]
    }
    print("\n| step | execute, s | straightforward, s |\n|---|---|---|")
    for name, (one, two) in steps.items():
        if max(one, two) >= mine / 100:
            print(f"| {name} | {one:.2f} | {two:.2f} |")
    rest = mine - sum(one for one, _two in steps.values())
    print(f"| between the steps | {rest:.2f} | |\n", flush=True)
    return mine, median("execute", "phases", 2)


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] in WAYS:
        asked = {
            name: Path(value) if isinstance(value, str) else value for name, value in json.loads(sys.argv[2]).items()
        }
        print(json.dumps(run(sys.argv[1], Settings(database_url=None, **asked))))
    else:
        main([int(size) for size in sys.argv[1:]] or list(SIZES))
