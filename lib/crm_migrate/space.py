"""Where free disk counts for a night, as far as that can be seen from here, and how much of it is left (C9)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from crm_migrate import postgres
from crm_migrate.postgres import Connection
from crm_migrate.settings import Settings

_HERE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Place:
    """A folder on a disk of its own.

    Attributes:
        what: what is kept there, as part of a sentence.
    """

    what: str
    folder: Path


def places(connection: Connection, settings: Settings) -> tuple[Place, ...]:
    """Every disk that a night writes to: the server's, where it runs on this machine, and those of its files."""
    found = [
        *(Place("the server's data", folder) for folder in _of_server(connection)),
        Place("the workspace", settings.workspace.absolute()),
        Place("the reports", settings.reports.absolute()),
    ]
    disks: dict[int, Place] = {}
    for place in found:
        with suppress(OSError):
            disks.setdefault(place.folder.stat().st_dev, place)
    return tuple(disks.values())


def free(folder: Path) -> int:
    """Bytes that an ordinary user may still write there."""
    return int(psutil.disk_usage(str(folder)).free)


def _of_server(connection: Connection) -> tuple[Path, ...]:
    """Data directory, write-ahead log and tablespaces of a server on this machine; nothing of any other.

    The server tells superusers where its data lies. Its process, which is at home there, tells whoever may look at it.
    """
    host = connection.info.host or "/"
    if not (host.startswith("/") or host in _HERE):
        return ()
    with suppress(psutil.Error, OSError):
        backend = psutil.Process(postgres.backend_pid(connection))
        home = Path(backend.cwd())
        ours = f" {connection.info.dbname} " in f" {' '.join(backend.cmdline())} "  # else another machine's number
        if ours and (home / "PG_VERSION").is_file():
            spaces = sorted(place.resolve() for place in (home / "pg_tblspc").iterdir())
            return (home, (home / "pg_wal").resolve(), *spaces)
    return ()
