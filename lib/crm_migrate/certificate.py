"""The kill certificate: nights that died at every statement and commit, went on, and ended in the same database (C5).

`make certify` makes it, with the harness in tests/certify; the reports show it. It holds for the SQL files and the
program that it was made with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from crm_migrate import files

NO_PART = frozenset(  # in a night: it loads none of these
    {
        *("cli", "lab", "notebook", "report", "terminal", "monitor", "runs"),
        *("afterwards", "diff", "explain", "fixes", "mends", "profile", "rehearse", "throwaway"),
        *("abort", "elsewhere", "retention", "revert", "usage", "wayback", "window"),
    }
)
FILE = "certificate.json"  # in the folder of reports, above those of the runs


@dataclass(frozen=True, slots=True)
class Tried:
    """The tries of one commit mode and one kind of death.

    Attributes:
        death: kill (SIGKILL), terminate (its session is ended) or restart (the server crashes and recovers).
        points: places where a night can die, before each statement and after each commit.
        classes: of places between which nothing is committed and no file of the run is written, so that a night that
            dies at one of them leaves the same as at another.
        wanted: places to be tried: of each class the first, the last, and some in the middle.
        tried: how many of them were tried.
        resumed: how many went on to the end; the others left the very same as one of their class that did.
        identical: how many ended in the same database as an undisturbed night, or would have.
        covered: places of the classes of which all were tried, were identical, and left the same behind.
        redone: the most batches that one try began twice.
    """

    commit: str
    death: str
    points: int
    classes: int
    wanted: int
    tried: int
    resumed: int
    identical: int
    covered: int
    redone: int


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was tried, and what came of it.

    Attributes:
        made_at: when the last try ended, in UTC.
        version, server_version: of this program, and of PostgreSQL.
        contacts, batch_size: of the sample database.
        sql, program: hashes over the SQL files and over the package's own modules, as far as they take part in a night.
        failed: the places where a night did not end the same, and how it differed.
    """

    made_at: str
    version: str
    server_version: str
    contacts: int
    batch_size: int
    sql: str
    program: str
    tried: tuple[Tried, ...]
    failed: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every place is covered, and each try ended the same."""
        return bool(self.tried) and all(
            part.points == part.covered and part.tried == part.identical for part in self.tried
        )


def save(certificate: Certificate, reports: Path) -> None:
    """Write `certificate.json` into the folder of reports."""
    files.write_json(reports / FILE, asdict(certificate))


def load(reports: Path) -> Certificate | None:
    """Read `certificate.json`, or None where none was made."""
    try:
        saved: Mapping[str, Any] = files.read_json(reports / FILE)
    except FileNotFoundError:
        return None
    parts = {"tried": tuple(Tried(**part) for part in saved["tried"]), "failed": tuple(saved["failed"])}
    return Certificate(**{**saved, **parts})


def program_fingerprint() -> str:
    """SHA-256 over the package's own modules, by name, but for those that have no part in a night."""
    package = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        if path.relative_to(package).parts[0].removesuffix(".py") in NO_PART:
            continue
        digest.update(str(path.relative_to(package)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
