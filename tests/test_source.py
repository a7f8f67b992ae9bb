"""The schema of sql/source/ is the one that source-schema.md describes."""

from __future__ import annotations

from conftest import Database
from crm_migrate import postgres


def test_the_owner_sees_an_atomic_crm_and_is_no_superuser(database: Database) -> None:
    with postgres.connect(database.url) as connection:
        server = postgres.require_atomic_crm(connection)
    assert not server.superuser
