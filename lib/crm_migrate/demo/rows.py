"""The rows of a clean demo: `sql/demo/*.sql`, one statement a table, run over ranges of row numbers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime

import psycopg
from psycopg import sql

from crm_migrate import catalog
from crm_migrate.demo import pools
from crm_migrate.events import Event, Sink
from crm_migrate.postgres import Connection, table_name

TODAY = datetime(2026, 10, 1, tzinfo=UTC)  # the demo's own: a year from now, the same seed gives the same rows
_BATCH = 100_000  # rows to a statement and a transaction

# table, and the file that fills it, in order of the references between them
_FILES = {
    "auth.users": "users",
    "public.sales": "sales",
    "public.tags": "tags",
    "public.tags_color_backup": "tags_color_backup",
    "public.companies": "companies",
    "public.contacts": "contacts",
    "public.deals": "deals",
    "public.contactNotes": "contact_notes",
    "public.dealNotes": "deal_notes",
    "public.tasks": "tasks",
}
_TAGS = 16


def volumes(contacts: int) -> dict[str, int]:
    """Rows of every table for so many contacts: about 4.2 a contact in all."""
    sales = min(60, 6 + contacts // 5_000)
    return {
        "auth.users": sales,
        "public.sales": sales,
        "public.tags": _TAGS,
        "public.tags_color_backup": _TAGS,
        "public.companies": max(1, contacts // 10),
        "public.contacts": contacts,
        "public.deals": max(1, contacts // 2),
        "public.contactNotes": contacts,
        "public.dealNotes": max(1, contacts // 2),
        "public.tasks": contacts + contacts // 10,
    }


def fill(connection: Connection, rows: Mapping[str, int], *, seed: int, emit: Sink) -> None:
    """Insert the rows of `volumes`, each batch committed; the tables are empty and without keys.

    Everything follows from `rows` and `seed`: ids count from 1, moments lie before `TODAY` or are planned for after it.
    """
    folder = catalog.default_root() / "demo"
    made = pools.make(seed)
    pools.load(connection, made)
    facts: dict[str, int] = {pool.name: len(pool.rows) for pool in made}
    facts |= {table.removeprefix("public."): count for table, count in rows.items()}
    facts |= {
        "seed": seed * 1_000 % 2**62,  # room for the salts between two seeds
        "today": int(TODAY.timestamp()),
        "companies_with_contacts": rows["public.companies"] - rows["public.companies"] // 20,
    }
    with psycopg.ClientCursor(connection) as cursor:  # binds on our side: the planner sees numbers
        cursor.execute((folder / "10_functions.sql").read_bytes(), facts)
        for table, file in _FILES.items():
            statement = (folder / f"{file}.sql").read_bytes()
            started = time.monotonic()
            for first in range(1, rows[table] + 1, _BATCH):
                last = min(first + _BATCH - 1, rows[table])
                cursor.execute(statement, facts | {"first": first, "last": last})
                connection.commit()
                emit(_progress(table, last, rows[table], time.monotonic() - started))


def _progress(table: str, done: int, total: int, seconds: float) -> Event:
    message = f"{done:,} of {total:,} rows"
    return Event("progress", f"demo {table}", message, rows_done=done, rows_total=total, seconds=seconds)


def advance_sequences(connection: Connection, rows: Mapping[str, int]) -> None:
    """Let each identity go on behind its last row."""
    for table, last in rows.items():
        if table.startswith("public.") and table != "public.tags_color_backup":
            quoted = table_name(table).as_string(connection)
            connection.execute("select setval(pg_get_serial_sequence(%s, 'id'), %s)", [quoted, last])


def analyze(connection: Connection, rows: Mapping[str, int]) -> None:
    """Give the planner its statistics."""
    for table in rows:
        connection.execute(sql.SQL("analyze {}").format(table_name(table)))
