"""Odd data through a whole night: each value is carried over unchanged, or its row is a reject with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg import sql

from conftest import Database
from crm_migrate import postgres, workflow
from crm_migrate.postgres import Connection
from crm_migrate.settings import Criteria
from nights import approved, settings_for, state
from test_source import COLUMNS

ROWS = (Path(__file__).parent / "odd_data.sql").read_bytes()

# All the rows are odd: the gate is asked to let a night go on that it would rightly refuse.
LENIENT = {"criteria": Criteria(warning_ratio=1.0), "reject_ratio": 1.0}


@pytest.fixture
def odd(database: Database) -> Database:
    with postgres.connect(database.admin_url) as admin:
        admin.execute(ROWS)
    return database


def legacy_rows(connection: Connection) -> dict[str, list[tuple[str, ...]]]:
    """Every legacy column of every row as PostgreSQL writes it."""
    found = {}
    for relation, columns in COLUMNS.items():
        names = [column.split()[0] for column in columns.split(", ")]
        query = sql.SQL("select {} from {} order by 1, 2").format(
            sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names),
            sql.Identifier("public", relation),
        )
        found[relation] = connection.execute(query).fetchall()
    return found


def test_odd_values_are_carried_over_and_back_unchanged_and_stop_nothing(odd: Database, tmp_path: Path) -> None:
    settings = settings_for(odd, tmp_path, **LENIENT)
    before = state(odd.url)
    with postgres.connect(odd.url) as connection:
        rows = legacy_rows(connection)
    approved(settings)
    run = workflow.execute(confirm=odd.name, batch_size=2, settings=settings)
    assert run is not None
    assert run.status == "completed"
    found = workflow.verify(settings=settings)
    assert found.ok, [check for check in found.checks if not check.ok]
    with postgres.connect(odd.url) as connection:
        assert legacy_rows(connection) == rows
        rejects = connection.execute('select "table", key, message from migration.rejects').fetchall()
    assert rejects == [("activities", "2", "violates activities_about_check")]
    assert workflow.revert(confirm=odd.name, settings=settings).status == "rolled_back"
    assert state(odd.url) == before
