"""`make certify`: try the places at which a night can die, and write the certificate.

One process more than there are cores, each with a server of its own: now and then one waits. Where modes are named,
such as `batch:kill` or `batch:kill:10` for ten points spread over the night, only those are tried; modes with the
same commit go through the night together. What is done is kept in the workspace, by the hash of SQL files and
program: the same command goes on where it was stopped. Ends with 1 where a night did not end the same.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from certify import bench as benches
from certify import points, stretches, tries
from certify.bench import Bench
from certify.stretches import Death, Point
from certify.tries import Outcome, Undisturbed
from crm_migrate import __version__, catalog, certificate, settings
from crm_migrate.certificate import Certificate
from crm_migrate.execute import CommitMode

ORDER: tuple[tuple[CommitMode, Death], ...] = (
    ("batch", "kill"),
    ("batch", "terminate"),
    ("phase", "kill"),
    ("phase", "terminate"),
    ("all", "kill"),
    ("all", "terminate"),
    ("batch", "restart"),
    ("phase", "restart"),
    ("all", "restart"),
)
_LOOK_SECONDS = 5.0
_WORTH_A_HOP = 3  # tries of a stretch


def main() -> int:
    """Share the points out, show how far it is, write the certificate; the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that each one stops its server
    given = _arguments()
    sql, program = catalog.load().fingerprint, certificate.program_fingerprint()
    chosen = settings.load()
    done = given.done or chosen.workspace / "certify" / f"{sql[:12]}-{program[:12]}.jsonl"
    done.parent.mkdir(parents=True, exist_ok=True)
    if given.share is not None:
        _work(done, given.modes, share=given.share, of=given.processes)
        return 0
    before = _tried(done)
    command = [sys.executable, "-m", "certify", "--done", str(done), "--processes", str(given.processes)]
    shares = [[*command, "--share", str(share), *given.modes] for share in range(given.processes)]
    started = time.monotonic()
    workers = [subprocess.Popen(share) for share in shares]
    try:
        while any(worker.poll() is None for worker in workers):
            with suppress(subprocess.TimeoutExpired):
                next(worker for worker in workers if worker.returncode is None).wait(_LOOK_SECONDS)
            _say(done, before, time.monotonic() - started)
    except KeyboardInterrupt:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait()
    made = _certificate(done, sql, program)
    certificate.save(made, chosen.reports)
    sys.stderr.write(f"\n{chosen.reports / certificate.FILE}\n" + "".join(f"{line}\n" for line in made.failed))
    return 1 if made.failed or any(worker.returncode for worker in workers) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="certify")
    parser.add_argument("modes", nargs="*", default=[":".join(pair) for pair in ORDER])
    parser.add_argument("--processes", type=int, default=(os.cpu_count() or 1) + 1)
    parser.add_argument("--done", type=Path, help="the file of what is done")
    parser.add_argument("--share", type=int, help="which of the processes this is")
    return parser.parse_args()


def _work(done: Path, modes: list[str], *, share: int, of: int) -> None:
    """Try this process's share of the points that are not done yet."""
    ready = {outcome.point for outcome in points.noted(done) if not outcome.problem}
    asked: dict[CommitMode, list[tuple[Death, int | None]]] = {}
    for commit, death, *most in map(_split, modes):
        asked.setdefault(commit, []).append((death, int(most[0]) if most else None))
    with tempfile.TemporaryDirectory(prefix="certify-") as folder, benches.opened(Path(folder)) as bench:
        for commit, deaths in asked.items():
            undisturbed = tries.survey(bench, commit)
            undisturbed = replace(undisturbed, places=points.agreed(done, commit, undisturbed.places))
            wanted = [
                Point(commit, death, number)
                for death, most in deaths
                for number in stretches.spread(
                    [tried for one in stretches.classes(undisturbed.places, death) for tried in one.tried], most
                )
            ]
            listed = stretches.in_order(wanted, undisturbed.places)
            mine = listed[len(listed) * share // of : len(listed) * (share + 1) // of]
            _walk(bench, done, [point for point in mine if point not in ready], undisturbed)


def _walk(bench: Bench, done: Path, listed: list[Point], undisturbed: Undisturbed) -> None:
    """Try one point after the other, from what the first kill of the stretch before left behind."""
    start, coming = tries.EVENING, None
    for stretch, group in groupby(listed, key=lambda point: undisturbed.places[point.number].stretch):
        todo = list(group)
        if len(todo) >= _WORTH_A_HOP and todo[0].death != "kill":  # those were tried by an earlier call
            first = next(n for n, place in enumerate(undisturbed.places) if place.stretch == stretch)
            todo.insert(0, Point(todo[0].commit, "kill", first))
        start, coming = coming or start, None
        ended: dict[tuple[str, str], Outcome] = {}  # by death and session: the class within this stretch
        for point in todo:
            keep = "" if coming or point.death != "kill" else "odd" if start.name == "even" else "even"
            begin = start if point.number >= start.aligned else tries.EVENING
            same = point.death, undisturbed.places[point.number].session if point.death == "terminate" else ""
            outcome, left = tries.attempt(bench, point, undisturbed, begin, keep=keep, before=ended.get(same))
            if outcome.resumed and not outcome.problem:
                ended[same] = outcome
            coming = coming or left
            points.note(done, outcome)


def _split(mode: str) -> list[Any]:
    return mode.split(":")


def _tried(done: Path) -> int:
    summed, _doubts = points.summed(points.noted(done), points.surveyed(done))
    return sum(part.tried for part in summed)


def _say(done: Path, before: int, seconds: float) -> None:
    summed, _doubts = points.summed(points.noted(done), points.surveyed(done))
    rate = (sum(part.tried for part in summed) - before) / seconds
    text = "; ".join(
        f"{part.commit} {part.death} {part.identical:,}/{part.tried:,} of {part.wanted:,}" for part in summed
    )
    left = sum(part.wanted - part.tried for part in summed)
    eta = f", {left / rate / 60:,.0f} min for the rest of these" if rate > 0 else ""
    sys.stderr.write(f"\r{text}; {rate * 60:.0f} a minute{eta}   ")
    sys.stderr.flush()


def _certificate(done: Path, sql: str, program: str) -> Certificate:
    found = list(points.noted(done))
    tried, doubts = points.summed(found, points.surveyed(done))
    return Certificate(
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        version=__version__,
        server_version=benches.server_version(),
        contacts=benches.CONTACTS,
        batch_size=tries.BATCH_SIZE,
        sql=sql,
        program=program,
        tried=tried,
        failed=(*(_told(outcome) for outcome in found if outcome.problem), *doubts),
    )


def _told(outcome: Outcome) -> str:
    point = outcome.point
    return f"{point.commit} {point.death} {point.number} ({outcome.place}): {outcome.problem}"


if __name__ == "__main__":
    sys.exit(main())
