"""Is there room, here and on the server, and are PostgreSQL's own programs there (B4)?"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from crm_migrate import tools
from crm_migrate.postgres import Connection, Server
from crm_migrate.preflight.answers import Check, listed
from crm_migrate.settings import Settings


def backup_tools(_connection: Connection, server: Server) -> Check:
    """Programs of the server's version or later (C2)."""
    found = {name: tools.find(name, server_version=server.version) for name in ("pg_dump", "pg_restore")}
    missing = [name for name, path in found.items() if path is None]
    versions = ", ".join(f"{name} {tools.major(path)}" for name, path in found.items() if path is not None)
    major = server.version // 10_000
    return Check(
        "backup",
        not missing,
        f"no {' and no '.join(missing)} of version {major} or later"
        if missing
        else f"{versions} for a server of version {major}",
        f"Install the PostgreSQL {major} client programs." if missing else "",
    )


def disk(size: int, free: int, settings: Settings) -> Check:
    """Room in the workspace for snapshots and dumps, which may be written there at all."""
    if not os.access(_nearest(settings.workspace), os.W_OK):
        return Check(
            "disk", False, f"{settings.workspace} cannot be written", "Name another place in CRM_MIGRATE_WORKSPACE."
        )
    needed = int(settings.criteria.disk_factor * size)
    return Check(
        "disk",
        free >= needed,
        f"{_said(free)} free in the workspace, {_said(needed)} needed ({_said(size)} of database)",
        "" if free >= needed else "Free some, or set CRM_MIGRATE_WORKSPACE to a larger disk.",
    )


def server_disk(size: int, free: int | None, settings: Settings) -> Check:
    """Room for copies, new tables and write-ahead log on the server, where that can be seen from here."""
    needed = int(settings.criteria.disk_factor * size)
    if free is None:
        detail = f"not to be seen from here; {_said(needed)} have to be free"
        return Check("server disk", True, detail)
    return Check(
        "server disk",
        free >= needed,
        f"{_said(free)} free on the server, {_said(needed)} needed ({_said(size)} of database)",
        "" if free >= needed else "Free some on the server's disk.",
    )


def free_here(workspace: Path) -> int:
    """Free bytes for an ordinary user where the workspace is, or will be."""
    place = _nearest(workspace)
    return shutil.disk_usage(place).free if os.access(place, os.W_OK) else 0


def _nearest(folder: Path) -> Path:
    """The folder, or the one above it that is there."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    return place


def _said(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e8 else f"{size / 1e6:,.1f} MB"


def free_on_server(connection: Connection, settings: Settings) -> int | None:
    """Free bytes where the server keeps its data, if it runs on this machine and says where; else None."""
    if settings.database_url is None:
        return free_here(settings.workspace)  # the embedded server lies there
    local = (connection.info.host or "/").startswith("/")
    told = listed(connection, "select setting from pg_catalog.pg_settings where name = 'data_directory'")
    place = Path(told[0]) if local and told else None
    try:
        return None if place is None else shutil.disk_usage(place).free
    except OSError:  # a server in a container names a folder of its own
        return None
