"""The simulation refuses what PostgreSQL would refuse, and says why."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from conftest import Database
from crm_migrate import events, inputs, postgres, simulate, snapshot
from crm_migrate.catalog import Catalog
from crm_migrate.simulate import Simulation


def simulated(database: Database, catalog: Catalog, folder: Path, rows: str) -> Simulation:
    with postgres.connect(database.admin_url) as admin:
        admin.execute(rows.encode())
    taken = snapshot.take(database.url, folder / "snapshot", emit=events.silent)
    given = inputs.load(catalog.root / "mappings", None, options={"link_deal_contacts": False})
    (folder / "run").mkdir()
    return simulate.simulate(taken, catalog, given, out=folder / "run", scratch=folder / "scratch", emit=events.silent)


def test_a_note_on_a_deal_without_a_company_is_a_predicted_reject(
    database: Database, catalog: Catalog, tmp_path: Path
) -> None:
    found = simulated(
        database,
        catalog,
        tmp_path,
        """
        insert into public.deals (id, name, stage) values (7, 'nobody buys', 'won');
        insert into public."dealNotes" (id, deal_id, text) values (0, 7, 'lonely'), (1, 7, 'too');
        """,
    )
    assert dict(found.rejects_by_reason) == {"activities_about_check": 2}
    assert found.late_rejects == 0
    file = tmp_path / "run" / "rejects.parquet"
    rows = duckdb.sql(f"select model, key, reason, late from read_parquet('{file}') order by key").fetchall()
    assert rows == [
        ("activities_from_deal_notes", 0, "activities_about_check", False),
        ("activities_from_deal_notes", 1, "activities_about_check", False),
    ]
    assert duckdb.sql(f"select * from '{tmp_path}/run/prediction/activities.parquet'").fetchall() == []


def test_a_dangling_reference_is_a_late_reject(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    found = simulated(
        database,
        catalog,
        tmp_path,
        """
        alter table public.contacts drop constraint contacts_company_id_fkey;
        insert into public.contacts (id, company_id) values (1, 404);
        """,
    )
    assert dict(found.rejects_by_reason) == {"contact_organizations_organization_id_fkey": 1}
    assert found.late_rejects == 1


def test_counts_say_what_is_migrated_and_what_is_new(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    found = simulated(
        database,
        catalog,
        tmp_path,
        """
        insert into public.companies (id, name) values (0, 'Zero');
        insert into public.contacts (id, company_id) values (0, 0), (1, 0), (2, null);
        insert into public.deals (id, name, company_id, stage) values (0, 'a', 0, 'won'), (1, 'b', 0, 'gone');
        """,
    )
    assert found.new_entities["contact_organizations"] == 2
    assert found.new_entities["opportunity_participants"] == 2
    assert {model.model: model.rows for model in found.models}["opportunities"] == 2
    assert set(found.stages) == {("won", "closed_won", 1), ("gone", "lead", 1)}


def test_what_is_saved_is_what_is_read_again(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    found = simulated(database, catalog, tmp_path, "insert into public.companies (id, name) values (0, 'Zero');")
    assert simulate.load(tmp_path / "run") == found


@pytest.mark.parametrize(
    "text", ["'infinity'", "'-infinity'", "'0044-03-15 12:00:00+00 BC'", "'12024-01-01 00:00:00+00'"]
)
def test_times_that_python_cannot_hold_pass_through(
    text: str, database: Database, catalog: Catalog, tmp_path: Path
) -> None:
    found = simulated(
        database,
        catalog,
        tmp_path,
        f"""
        insert into public.companies (id, name) values (0, 'Zero');
        insert into public.deals (id, name, company_id, stage, updated_at, expected_closing_date)
        values (0, 'a', 0, 'won', {text}, {text});
        """,
    )
    assert not found.rejects_by_reason
