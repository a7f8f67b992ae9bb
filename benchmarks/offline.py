"""What can be known before the window, against the floor of a raw binary COPY of all tables, thrown away (issue 4).

Goals at 1,000,000 contacts: snapshot 1.3 times the floor, all checks 1.5, simulation with its prediction 3, at most
1 GB of memory, and a tenth more at four times the size. `python benchmarks/offline.py 100000 1000000` measures each
size in a process of its own, so that the memory is that size's; part of `make bench`.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from pipeline import bench, peak, read_all, timed

from crm_migrate import assess, catalog, demo, embedded, events, inputs, profile, workflow

SIZES = (100_000, 1_000_000)


def main(sizes: tuple[int, ...]) -> None:
    """One process a size; several would share their largest memory."""
    if len(sizes) == 1:
        measure(sizes[0])
        return
    for size in sizes:
        subprocess.run([sys.executable, __file__, str(size)], check=True)


def measure(contacts: int) -> None:
    """Make a sample, take it through every offline stage, print a table."""
    with bench() as settings:
        made = demo.create(settings, contacts=contacts)
        rows = sum(count for table, count in made.rows.items() if table.startswith("public."))
        url = embedded.database_url(settings)
        read_all(url)  # the server's cache is warm for the floor as it is for the snapshot
        began = peak()
        busy = time.process_time()
        floor = timed(lambda: read_all(url))
        busy = time.process_time() - busy
        taken: list[Any] = []
        known = catalog.load()
        given = inputs.load(known.root / "mappings", None, options={"link_deal_contacts": False})
        place = settings.workspace / "measured"
        stages: list[tuple[str, Callable[[], Any]]] = [
            ("snapshot", lambda: taken.append(workflow.snapshot("new", settings=settings))),
            (
                f"assess, {len(known.checks)} checks",
                lambda: assess.assess(taken[0], known, given, out=place, scratch=place, emit=events.silent),
            ),
            ("profiles of every column", lambda: profile.profile(taken[0], known.prelude, out=place, scratch=place)),
        ]
        print(f"{contacts:,} contacts, {rows:,} rows; memory before: {began:.0f} MB\n")
        print("| stage | seconds | × floor | of the processor here | memory so far, MB |\n|---|---|---|---|---|")
        print(f"| raw binary COPY, thrown away | {floor:.1f} | 1.0 | {busy:.1f} | {peak():.0f} |")
        for name, work in stages:
            show(name, work, floor)
        workflow.assess(settings=settings)  # the run's own, which the dry run asks for
        show("simulation with its prediction", lambda: workflow.dry_run(settings=settings), floor)
        print(flush=True)


def show(name: str, work: Callable[[], Any], floor: float) -> None:
    """One line of the table; seconds of the processor hardly change with what else the machine does."""
    busy = time.process_time()
    seconds = timed(work)
    busy = time.process_time() - busy
    print(f"| {name} | {seconds:.1f} | {seconds / floor:.1f} | {busy:.1f} | {peak():.0f} |", flush=True)


if __name__ == "__main__":
    main(tuple(int(size) for size in sys.argv[1:]) or SIZES)
