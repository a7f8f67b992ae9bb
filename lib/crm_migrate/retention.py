"""Original data is kept for a time and then removed by a command, never by itself (E3)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from crm_migrate import history, postgres
from crm_migrate.events import Event, Sink
from crm_migrate.postgres import Connection

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What is older than the retention time.

    Attributes:
        copies: names of backup tables, with their schema.
        dumps: files of the workspace.
        kept: how many copies and dumps are younger, and stay.
        removed: whether they were removed, or only listed.
    """

    copies: tuple[str, ...]
    dumps: tuple[str, ...]
    kept: int
    removed: bool


def clean(connection: Connection, dumps: Path, *, days: int, remove: bool, emit: Sink) -> Leftovers:
    """List backup tables and dumps older than `days`, and remove them if told to.

    A table's age is told by the server's clock, a dump's by its file. Each table goes in a transaction of its own, with
    its record.
    """
    due, kept = _copies(connection, days)
    files, young = _dumps(dumps, days)
    if remove:
        for name in due:
            with connection.transaction():
                connection.execute(sql.SQL("drop table {}").format(postgres.table_name(f"migration_backup.{name}")))
                connection.execute("delete from migration.backups where copy_name = %s", [name])
            emit(Event("note", "cleanup", f"migration_backup.{name} removed"))
        for file in files:
            file.unlink()
            emit(Event("note", "cleanup", f"{file.name} removed"))
    return Leftovers(
        copies=tuple(f"migration_backup.{name}" for name in due),
        dumps=tuple(str(file) for file in files),
        kept=kept + young,
        removed=remove,
    )


def _copies(connection: Connection, days: int) -> tuple[list[str], int]:
    if not history.exists(connection):
        return [], 0
    rows = connection.execute(
        "select copy_name, made_at < clock_timestamp() - make_interval(days => %s) from migration.backups order by 1",
        [days],
    ).fetchall()
    return [name for name, old in rows if old], sum(not old for _name, old in rows)


def _dumps(folder: Path, days: int) -> tuple[list[Path], int]:
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    oldest = time.time() - days * _DAY
    due = [path for path in files if path.stat().st_mtime < oldest]
    return due, len(files) - len(due)
