"""A source whose every row is known: the clean rows of `checks/base.sql` and what a test plants beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from conftest import Database
from crm_migrate import catalog as catalogs
from crm_migrate import events, inputs, postgres, snapshot

CASES = Path(__file__).parent / "checks"


@dataclass(frozen=True, slots=True)
class Source:
    """A database with its inputs in it, and the snapshot of it."""

    url: str
    inputs: inputs.Inputs
    snapshot: snapshot.Snapshot


def plant(database: Database, folder: Path, *, given: str = "", files: dict[str, str] | None = None) -> Source:
    """Fill a database with the clean rows and what is given, and take its snapshot into `folder`.

    Args:
        files: the analyst's, content by name.
    """
    analyst = folder / "inputs"
    analyst.mkdir()
    for name, content in (files or {}).items():
        (analyst / name).write_text(content, encoding="utf-8")
    read = inputs.load(catalogs.default_root() / "mappings", analyst, options={"link_deal_contacts": False})
    with postgres.connect(database.url) as connection:
        connection.execute((CASES / "base.sql").read_bytes())
        connection.execute(given.encode())
        connection.execute("create schema migration")
        inputs.store(connection, read)
    return Source(database.url, read, snapshot.take(database.url, folder / "snapshot", emit=events.silent))
