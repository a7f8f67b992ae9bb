"""`make certify`: try every place at which a night can die, and write the certificate.

Two processes, each with a server of its own. Where modes are named, such as `batch:kill` or `batch:kill:10` for ten
points spread over the night, only those are tried. What is done is kept in the workspace, by the hash of SQL files and
program: the same command goes on where it was stopped. Ends with 1 where a night did not end the same.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from certify import bench as benches
from certify import points, tries
from certify.tries import Death, Outcome, Undisturbed
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
    before = len(list(points.noted(done)))
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
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--done", type=Path, help="the file of what is done")
    parser.add_argument("--share", type=int, help="which of the processes this is")
    return parser.parse_args()


def _work(done: Path, modes: list[str], *, share: int, of: int) -> None:
    """Try this process's share of the points that are not done yet."""
    ready = {outcome.point for outcome, _of in points.noted(done) if not outcome.problem}
    wanted = [(commit, death, int(most[0]) if most else None) for commit, death, *most in map(_split, modes)]
    surveyed: dict[str, Undisturbed] = {}
    with tempfile.TemporaryDirectory(prefix="certify-") as folder, benches.opened(Path(folder)) as bench:
        for commit, death, most in wanted:
            undisturbed = surveyed.get(commit)
            if undisturbed is None:  # its starts replace those of the mode before
                undisturbed = tries.survey(bench, commit)
                surveyed = {commit: undisturbed}
            listed = points.spread(commit, death, undisturbed)
            for point in listed[:most][share::of]:
                if point not in ready:
                    points.note(done, tries.attempt(bench, point, undisturbed), of=len(listed))


def _split(mode: str) -> list[Any]:
    return mode.split(":")


def _say(done: Path, before: int, seconds: float) -> None:
    summed = points.summed(points.noted(done))
    tried = sum(part.tried for part in summed)
    rate = (tried - before) / seconds
    text = "; ".join(
        f"{part.commit} {part.death} {part.identical:,}/{part.tried:,} of {part.points:,}" for part in summed
    )
    left = sum(part.points - part.tried for part in summed)
    eta = f", {left / rate / 60:,.0f} min for the rest of these" if rate > 0 else ""
    sys.stderr.write(f"\r{text}; {rate * 60:.0f} a minute{eta}   ")
    sys.stderr.flush()


def _certificate(done: Path, sql: str, program: str) -> Certificate:
    found = list(points.noted(done))
    last = {outcome.point: outcome for outcome, _of in found}
    return Certificate(
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        version=__version__,
        server_version=benches.server_version(),
        contacts=benches.CONTACTS,
        batch_size=tries.BATCH_SIZE,
        sql=sql,
        program=program,
        tried=points.summed(found),
        failed=tuple(_told(outcome) for outcome in last.values() if outcome.problem),
    )


def _told(outcome: Outcome) -> str:
    point = outcome.point
    return f"{point.commit} {point.death} {point.start} {point.number} ({outcome.place}): {outcome.problem}"


if __name__ == "__main__":
    sys.exit(main())
