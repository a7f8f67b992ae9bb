"""How fast and how large execute is, against the straightforward way, in turn on clones of one database (issue 5).

Goals: all that execute does from the first change to the last takes at most 0.65 of the straightforward way (see
`straightforward.py`), its process stays under 300 MB, and ten times the contacts take ten times as long. What comes
before and after the phases is shown beside them. `python benchmarks/execute.py 100000 1000000`; part of `make bench`.
Each measurement is a process of its own, so that its memory is its own; both ways must end in the same state.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
    seconds = [measure(size, SIZES.get(size, 1)) for size in sizes]
    if len(sizes) > 1:
        print(f"{sizes[-1] / sizes[0]:.0f} times the contacts: {seconds[-1] / seconds[0]:.1f} times the seconds")


def measure(contacts: int, turns: int) -> float:
    """Make a sample, decide, migrate clones of it in both ways in turn; returns the median seconds of execute's phases.

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
    with watched() as (stages, enter):
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
def watched() -> Iterator[tuple[dict[str, list[float]], Any]]:
    """Give the seconds and the largest memory, in MB, of each stage, and a function that enters the next stage."""
    stages: dict[str, list[float]] = {}
    process, over = psutil.Process(), threading.Event()
    stage, began = "before", time.monotonic()

    def enter(name: str) -> None:
        nonlocal stage, began
        now = time.monotonic()
        entry = stages.setdefault(stage, [0.0, 0.0])
        entry[0] += now - began
        entry[1] = max(entry[1], process.memory_info().rss / 1e6)
        stage, began = name, now

    def watch() -> None:
        while not over.wait(0.02):
            entry = stages.setdefault(stage, [0.0, 0.0])
            entry[1] = max(entry[1], process.memory_info().rss / 1e6)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield stages, enter
    finally:
        over.set()
        watcher.join()
        enter("after")


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


def show(contacts: int, runs: dict[str, list[dict[str, Any]]]) -> float:
    """Print what was measured, medians of all turns; returns the seconds of execute's phases."""

    def median(way: str, stage: str, what: int) -> float:
        return statistics.median(run["stages"].get(stage, (0.0, 0.0))[what] for run in runs[way])

    mine, other = (median(way, "phases", 0) for way in WAYS)
    ratios = [
        one["stages"]["phases"][0] / two["stages"]["phases"][0]
        for one, two in zip(runs["execute"], runs["straightforward"], strict=True)
    ]
    print(f"\n{contacts:,} contacts, {len(ratios)} turns, same end state\n")
    print("| | seconds | memory, MB |\n|---|---|---|")
    print(f"| the straightforward way | {other:.1f} | {median('straightforward', 'phases', 1):.0f} |")
    print(f"| execute, first change to last | {mine:.1f} | {median('execute', 'phases', 1):.0f} |")
    print(f"| ratio | {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) | |")
    for stage, called in {
        "close": "beside it: window closes",
        "snapshot": "final snapshot, checks, prediction",
        "backup": "pg_dump, verified",
        "verify": "verification",
    }.items():
        print(f"| {called} | {median('execute', stage, 0):.1f} | {median('execute', stage, 1):.0f} |")
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
    return mine


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] in WAYS:
        asked = {
            name: Path(value) if isinstance(value, str) else value for name, value in json.loads(sys.argv[2]).items()
        }
        print(json.dumps(run(sys.argv[1], Settings(database_url=None, **asked))))
    else:
        main([int(size) for size in sys.argv[1:]] or list(SIZES))
