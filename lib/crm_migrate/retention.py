"""Original data is kept for a time and then removed by a command, never by itself (E3)."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from crm_migrate import files, history, maintenance, postgres, throwaway
from crm_migrate.events import Event, Sink
from crm_migrate.postgres import Connection

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What is older than the retention time, and what killed processes left behind.

    Attributes:
        copies: names of backup tables, with their schema.
        dumps: files of the workspace.
        scratch: folders of the workspace whose processes are dead.
        rehearsals: databases on the embedded server whose rehearsals are dead.
        kept: how many copies and dumps are younger, and stay.
        removed: whether they were removed, or only listed.
    """

    copies: tuple[str, ...]
    dumps: tuple[str, ...]
    scratch: tuple[str, ...]
    rehearsals: tuple[str, ...]
    kept: int
    removed: bool


def clean(connection: Connection, workspace: Path, *, days: int, remove: bool, emit: Sink) -> Leftovers:
    """List backup tables and dumps older than `days`, and what killed processes left; remove them if told to.

    A table's age is told by the server's clock, a dump's by its file. Each table goes in a transaction of its own, with
    its record.
    """
    due, kept = _copies(connection, days)
    dumps, young = _dumps(workspace / "dumps", days)
    scratch, rehearsals = files.abandoned(workspace / "scratch"), throwaway.abandoned(workspace, remove=remove)
    if remove:
        for name in due:
            with connection.transaction():
                connection.execute(sql.SQL("drop table {}").format(postgres.table_name(f"migration_backup.{name}")))
                connection.execute("delete from migration.backups where copy_name = %s", [name])
            emit(Event("note", "cleanup", f"migration_backup.{name} removed"))
        if due and not kept and not maintenance.is_closed(connection):  # nothing can be taken back any more
            connection.execute("drop view if exists public.migration_status")
            emit(Event("note", "cleanup", "public.migration_status removed"))
        for file in dumps:
            file.unlink()
            emit(Event("note", "cleanup", f"{file.name} removed"))
        for folder in scratch:
            shutil.rmtree(folder)
            emit(Event("note", "cleanup", f"{folder.name} removed"))
        for name in rehearsals:
            emit(Event("note", "cleanup", f"database {name} removed"))
    return Leftovers(
        copies=tuple(f"migration_backup.{name}" for name in due),
        dumps=tuple(str(file) for file in dumps),
        scratch=tuple(str(folder) for folder in scratch),
        rehearsals=rehearsals,
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
    dumps = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    oldest = time.time() - days * _DAY
    due = [path for path in dumps if path.stat().st_mtime < oldest]
    return due, len(dumps) - len(due)
