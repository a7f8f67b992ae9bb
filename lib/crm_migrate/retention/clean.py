"""Remove what may go, each thing in a transaction of its own with its record: a call that is killed goes on."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC

import psycopg
from psycopg import sql

from crm_migrate import compatibility, files, history, maintenance, postgres, throwaway, usage
from crm_migrate.catalog import Catalog
from crm_migrate.errors import Refused
from crm_migrate.events import Event, Sink
from crm_migrate.postgres import Connection
from crm_migrate.retention import due, state
from crm_migrate.retention.due import Found
from crm_migrate.retention.value import Leftovers
from crm_migrate.settings import Settings


def clean(
    connection: Connection,
    catalog: Catalog,
    settings: Settings,
    *,
    remove: bool,
    views: bool = False,
    archive: bool = False,
    emit: Sink,
) -> Leftovers:
    """List what a migration has left and what killed processes left; remove what may go if told to.

    Args:
        connection: acts as the owner of the tables, in autocommit mode; nobody else drives a run where `remove` is set.
        views: whether the old names are to go, too.
        archive: whether archived rows that were never brought back are to go, too.

    Raises:
        Refused: what was asked for by name may not go; says why, and nothing was removed.
    """
    workspace = settings.workspace
    found = _found(connection, catalog, settings, keep=remove, views=views, archive=archive)
    if remove:
        _require(found, views=views, archive=archive)
    scratch, rehearsals = files.abandoned(workspace / "scratch"), throwaway.abandoned(workspace, remove=remove)
    if remove:
        _remove(connection, found, emit)
        for folder in scratch:
            shutil.rmtree(folder)
            emit(Event("note", "cleanup", f"{folder.name} removed"))
        for name in rehearsals:
            emit(Event("note", "cleanup", f"database {name} removed"))
    return Leftovers(
        copies=tuple(f"migration_backup.{name}" for name in found.copies),
        dumps=tuple(str(file) for file in found.dumps),
        scratch=tuple(str(folder) for folder in scratch),
        rehearsals=rehearsals,
        compatibility=found.compatibility,
        functions=found.functions,
        archived=len(found.archived),
        state=found.state,
        waiting=tuple(found.waiting),
        usage=found.usage,
        removed=remove,
    )


def _found(
    connection: Connection, catalog: Catalog, settings: Settings, *, keep: bool, views: bool, archive: bool
) -> Found:
    if not history.exists(connection):
        return Found()
    clock = due.clock(connection, days=settings.retention_days, compatibility_days=settings.compatibility_days)
    seen = usage.observe(connection, catalog, keep=keep)
    return due.find(connection, settings.workspace, clock, seen, views=views, archive=archive)


def _require(found: Found, *, views: bool, archive: bool) -> None:
    for asked, what in ((views, "old names"), (archive, "migration_archive")):
        reasons = [entry for entry in found.waiting if entry.what.startswith(what)]
        if asked and reasons:
            first = reasons[0]
            when = "" if first.due is None else f" Not before {first.due.astimezone(UTC):%Y-%m-%d %H:%M} UTC."
            raise Refused(
                f"the {first.what} cannot go: {'; '.join(entry.why for entry in reasons)}",
                hint=f"Nothing was removed.{when} `crm-migrate cleanup` shows all of it.",
            )


def _remove(connection: Connection, found: Found, emit: Sink) -> None:
    for name in found.copies:
        with connection.transaction():
            connection.execute(sql.SQL("drop table {}").format(postgres.table_name(f"migration_backup.{name}")))
            connection.execute("delete from migration.backups where copy_name = %s", [name])
        emit(Event("note", "cleanup", f"migration_backup.{name} removed"))
    copies_are_gone = bool(found.copies) and connection.execute("select from migration.backups").fetchone() is None
    if copies_are_gone and not maintenance.is_closed(connection):
        connection.execute("drop view if exists public.migration_status")
        emit(Event("note", "cleanup", "public.migration_status removed"))
    for file in found.dumps:
        file.unlink()
        emit(Event("note", "cleanup", f"{file.name} removed"))
    if found.archived:
        connection.execute("delete from migration_archive.rows where id = any (%s)", [found.archived])
        emit(Event("note", "cleanup", f"{len(found.archived):,} rows of migration_archive removed"))
    if found.compatibility:
        _retire(connection, emit)
    if found.state:
        with connection.transaction():
            state.remove(connection)
        emit(Event("note", "cleanup", "the state of the migration removed"))


def _retire(connection: Connection, emit: Sink) -> None:
    try:
        with connection.transaction():
            names = compatibility.retire(connection)
            last = history.runs(connection)[-1]
            history.add_event(connection, last.run_id, "note", "compatibility", f"{_listed(names)} taken away")
    except psycopg.errors.LockNotAvailable:
        raise Refused(
            "the old names cannot go: a session is using them now", hint="Nothing of them was taken away."
        ) from None
    emit(Event("note", "cleanup", f"{_listed(names)} taken away"))


def _listed(names: Sequence[str]) -> str:
    return " and ".join(f"public.{name}" for name in names)
