"""The simulation refuses what PostgreSQL would refuse, and says why."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from conftest import Database
from crm_migrate import constraints, duck, events, inputs, postgres, refusals, simulate, snapshot
from crm_migrate.catalog import Catalog
from crm_migrate.constraints import Constraint
from crm_migrate.simulate import Simulation

ORGANIZATIONS = "company_id,organization_type,is_principal,is_distributor,parent_company_id,segment,priority\n"


def simulated(
    database: Database, catalog: Catalog, folder: Path, rows: str, *, analyst: dict[str, str] | None = None
) -> Simulation:
    (folder / "inputs").mkdir()
    for name, content in (analyst or {}).items():
        (folder / "inputs" / name).write_text(content, encoding="utf-8")
    with postgres.connect(database.admin_url) as admin:
        admin.execute(rows.encode())
    taken = snapshot.take(database.url, folder / "snapshot", emit=events.silent)
    given = inputs.load(catalog.root / "mappings", folder / "inputs", options={"link_deal_contacts": True})
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
    assert (tmp_path / "run" / "prediction").stat().st_mode & 0o077 == 0  # it holds personal data


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


def test_who_is_named_as_principal_or_distributor_and_is_none_would_be_refused_by_a_trigger(
    database: Database, catalog: Catalog, tmp_path: Path
) -> None:
    found = simulated(
        database,
        catalog,
        tmp_path,
        """
        insert into public.companies (id, name) values (0, 'Buyer'), (1, 'Maker'), (2, 'Seller'), (3, 'Nobody'),
            (4, 'Nobody else');
        insert into public.contacts (id, company_id) values (0, 0);
        insert into public.deals (id, name, company_id, stage) values (0, 'a', 0, 'won'), (1, 'b', 0, 'won');
        """,
        analyst={
            "organizations.csv": f"{ORGANIZATIONS}1,principal,true,false,,,\n2,distributor,false,true,,,\n",
            "opportunity_roles.csv": "opportunity_id,principal_id,distributor_id\n0,1,2\n1,3,4\n",
            "advocacy.csv": "contact_id,principal_organization_id,advocacy_strength,advocacy_notes,relationship_type\n"
            "0,3,,,\n",
        },
    )
    assert found.rejects_by_kind == {"trigger": 5}
    assert {(refusal.reason, refusal.rows) for refusal in found.refusals} >= {
        ("organization_id names a company that is no distributor", 1),
        ("principal_organization_id names a company that is no principal", 1),
    }
    assert found.late_rejects == 5
    file = tmp_path / "run" / "rejects.parquet"
    rows = duckdb.sql(f"select distinct model, key, reason, kind from read_parquet('{file}') order by all").fetchall()
    assert rows == [
        ("contact_preferred_principals", 0, "check_principal_organization", "trigger"),
        ("opportunity_participants", 1, "check_distributor_organization", "trigger"),
        ("opportunity_participants", 1, "check_principal_organization", "trigger"),
        ("principal_distributor_relationships_from_opportunities", 3, "check_distributor_organization", "trigger"),
        ("principal_distributor_relationships_from_opportunities", 3, "check_principal_organization", "trigger"),
    ]


def test_a_company_that_would_belong_to_itself_is_a_late_reject(catalog: Catalog, tmp_path: Path) -> None:
    [rule] = [rule for rule in constraints.of(catalog)["public.companies"] if rule.kind == "trigger"]
    with duck.session(catalog.prelude, scratch=tmp_path) as session:
        refusals.prepare(session)
        session.execute(
            "create view simulated as from (values (0, 1), (1, 2), (2, 0), (3, 0), (4, 4), (5, null)) "
            "as companies (id, parent_company_id)"
        )
        refusals.note(session, catalog.models["companies"], [rule])
        found = session.execute("select key, late, kind from simulated_rejects order by key").fetchall()
    assert found == [(key, True, "trigger") for key in (0, 1, 2, 4)]


def test_a_rule_against_what_is_no_number_is_asked_of_decimals(catalog: Catalog, tmp_path: Path) -> None:
    expression = "unit_price >= 0 AND unit_price <> 'NaN'"
    rule = Constraint("public.products", "price", "check", ("unit_price",), False, expression=expression)
    with duck.session(catalog.prelude, scratch=tmp_path) as session:
        refusals.prepare(session)
        session.execute(
            "create view simulated as select principal_id, cast(unit_price as decimal(14, 2)) as unit_price "
            "from (values (0, 1), (1, -1), (2, null)) as products (principal_id, unit_price)"
        )
        refusals.note(session, catalog.models["products"], [rule])
        assert session.execute("select key from simulated_rejects").fetchall() == [(1,)]


def test_relationships_are_counted_as_they_will_be(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    found = simulated(
        database,
        catalog,
        tmp_path,
        """
        insert into public.companies (id, name) values (0, 'Zero'), (1, 'One');
        insert into public.contacts (id, company_id) values (0, 0), (1, 0), (2, null);
        insert into public.deals (id, name, company_id, stage, contact_ids) values
            (0, 'a', 0, 'won', '{1}'), (1, 'b', 1, 'lost', '{1}'), (2, 'c', null, 'lost', '{}');
        insert into public.tasks (id, contact_id, type, due_date) values
            (0, 0, 'Call', '2026-03-31 23:30+00'), (1, 0, 'Call', 'infinity'), (2, 0, 'Email', '2026-03-01 00:30+00');
        insert into public."contactNotes" (id, contact_id, date) values (0, 0, null), (1, 0, '0044-03-15 BC');
        """,
    ).relationships
    assert found.contacts_by_organizations == ((0, 1), (1, 1), (2, 1))
    assert found.opportunities_by_participants == ((0, 1), (1, 2))
    assert found.activities_by_month == (
        ("2026-03", "call", 1), ("2026-03", "email", 1), ("no date", "check_in", 1), ("odd date", "call", 1),
        ("odd date", "check_in", 1),
    )  # fmt: skip
    assert set(found.entities) >= {
        ("companies", "customer", 2), ("opportunities", "closed_lost", 2), ("opportunity_participants", "customer", 2),
        ("contact_organizations", "primary", 2), ("contact_organizations", "other", 1), ("activities", "call", 2),
    }  # fmt: skip


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
