"""How fast each stage is against the floor: a raw binary COPY of all source tables, thrown away, in the same run.

`make bench` measures 100,000 contacts; `python benchmarks/pipeline.py 1000000` measures more. Ratios are what counts:
the seconds are those of this machine on this day. Peak memory is that of this process, children not counted.
"""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from psycopg import sql

from crm_migrate import demo, embedded, postgres, workflow
from crm_migrate.settings import Settings


def main(contacts: int) -> None:
    """Make a sample, take it through every stage, print a table."""
    with bench() as settings:
        made = demo.create(settings, contacts=contacts)
        rows = sum(count for table, count in made.rows.items() if table.startswith("public."))
        url = embedded.database_url(settings)
        floor = timed(lambda: read_all(url))
        stages: list[tuple[str, Callable[[], Any]]] = [
            ("snapshot", lambda: workflow.snapshot("new", settings=settings)),
            ("assess", lambda: workflow.assess(settings=settings)),
            ("dry-run", lambda: workflow.dry_run(settings=settings)),
            ("decide", lambda: workflow.decide(approved_by="make bench", settings=settings)),
            ("execute, all of it", lambda: workflow.execute(confirm=embedded.DATABASE, settings=settings)),
            ("verify", lambda: workflow.verify(settings=settings)),
            ("rollback", lambda: workflow.revert(confirm=embedded.DATABASE, settings=settings)),
        ]
        print(f"{datetime.now(UTC):%Y-%m-%d}, {psutil.cpu_count()} cores, Python {platform.python_version()}")
        print(f"{contacts:,} contacts, {rows:,} rows\n")
        print("| stage | seconds | × floor | memory so far, MB |\n|---|---|---|---|")
        print(f"| raw binary COPY, thrown away | {floor:.1f} | 1.0 | {peak():.0f} |")
        for name, work in stages:
            seconds = timed(work)
            print(f"| {name} | {seconds:.1f} | {seconds / floor:.1f} | {peak():.0f} |", flush=True)


@contextmanager
def bench() -> Any:
    """Settings of a place of its own, with a server of its own."""
    place = Path(tempfile.mkdtemp(prefix="crm-bench-"))
    settings = Settings(database_url=None, workspace=place / "bench", reports=place / "reports", grace_seconds=0)
    try:
        yield settings
    finally:
        embedded.stop(settings.workspace)
        shutil.rmtree(place, ignore_errors=True)


def timed(work: Callable[[], Any]) -> float:
    """Seconds of wall clock."""
    started = time.monotonic()
    work()
    return time.monotonic() - started


def peak() -> float:
    """Largest resident set of this process so far, in MB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def read_all(url: str) -> None:
    """The floor: every source table as binary COPY, thrown away."""
    with postgres.connect(url) as connection:
        for table in postgres.SOURCE_TABLES:
            statement = sql.SQL("copy {} to stdout (format binary)").format(sql.Identifier("public", table))
            with connection.cursor().copy(statement) as copy:
                for _ in copy:
                    pass


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
