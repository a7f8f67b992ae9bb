"""One record followed through: nothing is left out, nothing invented, and no name shown unasked."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from conftest import Server, scratch_database
from crm_migrate import assess, cli, events, explain, files, simulate
from crm_migrate.catalog import Catalog
from crm_migrate.errors import NoSuchRun, UsageError
from crm_migrate.explain import Explanation
from crm_migrate.inputs import Inputs
from crm_migrate.report import render, views
from crm_migrate.snapshot import Snapshot
from planted import plant

ANALYST = {
    "organizations.csv": "company_id,organization_type,is_principal,is_distributor,parent_company_id,segment,priority\n"
    "7,principal,true,false,,,\n8,distributor,false,true,,,\n9,distributor,false,true,,,\n",
    "relationships.csv": "principal_id,distributor_id,relationship_status,start_date,end_date,commission_rate,notes\n"
    "7,9,active,,,,\n",
    "opportunity_roles.csv": "opportunity_id,principal_id,distributor_id\n42,7,8\n",
    "products.csv": "principal_id,name,description,sku,category,unit_price,unit_cost,is_active,min_order_quantity\n"
    "7,Pump,,,Pumps,,,,\n",
}
ROWS = """
    insert into public.companies (id, name) values (6, 'Buyer Ltd'), (7, 'Maker'), (8, 'Seller'), (9, 'Reseller');
    insert into public.contacts (id, first_name, last_name, company_id, first_seen, email_jsonb) values
        (40, 'Quentin', 'Zebedee', 6, 'infinity', '[{"email": "quentin@zebedee.example", "type": "Work"}]');
    insert into public.deals (id, name, company_id, stage, contact_ids, amount) values
        (42, 'Pumps', 6, 'odd', '{40}', 9007199254740993), (43, 'Alone', null, 'won', '{}', 1);
    insert into public.tasks (id, contact_id, type, text, due_date, sales_id)
        values (42, 40, 'Call', 'Ring Quentin', '2026-05-01', 404);
    insert into public."contactNotes" (id, contact_id, text) values (42, 40, 'Met Quentin at quentin@zebedee.example');
    insert into public."dealNotes" (id, deal_id, text, attachments)
        values (42, 42, 'Sent', array['{"src": "x"}']::jsonb[]), (44, 43, 'Nobody', null);
"""


@pytest.fixture(scope="module")
def run(
    server: Server, empty_template: str, catalog: Catalog, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Snapshot, Path, Inputs]:
    """A snapshot that was assessed and simulated, with the folder of its run and its inputs."""
    folder = tmp_path_factory.mktemp("explain")
    with scratch_database(server, template=empty_template) as made:
        source = plant(made, folder, given=ROWS, files=ANALYST)
    out, scratch = folder / "run", folder / "scratch"
    assess.assess(source.snapshot, catalog, source.inputs, out=out, scratch=scratch, emit=events.silent)
    simulate.simulate(source.snapshot, catalog, source.inputs, out=out, scratch=scratch, emit=events.silent)
    return source.snapshot, out, source.inputs


@pytest.fixture
def follow(run: tuple[Snapshot, Path, Inputs], catalog: Catalog, tmp_path: Path) -> Any:
    def explained(table: str, key: str | None = "42", **given: Any) -> Explanation:
        return explain.explain(run[0], catalog, run[2], run[1], table, key, scratch=tmp_path, **given)

    return explained


def rows(found: Explanation) -> list[tuple[str, str, list[dict[str, Any]]]]:
    return [(made.target, made.model, [dict(row) for row in made.rows]) for made in found.made]


@pytest.mark.parametrize("name", ["deals", "opportunities", "public.deals", "Opportunities"])
def test_a_deal_becomes_an_opportunity_with_its_participants(follow: Any, name: str) -> None:
    found = follow(name)
    assert (found.table, found.key, found.becomes) == ("deals", 42, "opportunities")
    assert found.renamed == {"stage": "legacy_stage"}
    assert (found.record["amount"], found.record["stage"]) == (9007199254740993, "odd")
    [[target, models, [filled]], [_, makers, participants]] = rows(found)
    assert (target, models) == ("opportunities", "opportunities")
    assert (filled["stage"], filled["probability"], filled["principal_organization_id"]) == ("lead", 10, 7)
    assert "search_tsv" not in filled
    assert makers == "opportunity_participants"
    assert {(row["role"], row["organization_id"]) for row in participants} == {
        ("customer", 6), ("principal", 7), ("distributor", 8),
    }  # fmt: skip
    assert [finding.check for finding in found.findings if finding.severity == "warning"] == [
        "deals.large_amount", "deals.unknown_stage",
    ]  # fmt: skip
    assert [(part.target, part.column, part.rows) for part in found.referred] == [("activities", "opportunity_id", 1)]


@pytest.mark.parametrize(
    ("table", "model"),
    [
        ("tasks", "activities_from_tasks"),
        ("contactNotes", "activities_from_contact_notes"),
        ("dealNotes", "activities_from_deal_notes"),
        ("opportunityNotes", "activities_from_deal_notes"),
    ],
)
def test_of_three_records_with_the_same_id_each_gets_its_own_activity(follow: Any, table: str, model: str) -> None:
    [[target, models, [row]]] = rows(follow(table))
    assert (target, models, row["source_id"]) == ("activities", model, 42)
    assert row["source_table"] == {"opportunityNotes": "dealNotes"}.get(table, table)


def test_a_note_that_would_be_refused_says_why_in_words(follow: Any) -> None:
    found = follow("dealNotes", "44")
    assert found.made == ()
    [refused] = found.refused
    assert (refused.target, refused.model, refused.late) == ("activities", "activities_from_deal_notes", False)
    assert "does not hold" in refused.reason


def test_a_contact_shows_its_membership_and_times_that_python_cannot_hold(follow: Any) -> None:
    found = follow("contacts", "40")
    assert found.record["first_seen"] == "infinity"
    made = {target: made for target, _, made in rows(found)}
    assert made["contact_organizations"][0]["organization_id"] == 6
    assert ("activities", "contact_id", 2) in [(part.target, part.column, part.rows) for part in found.referred]


def test_a_principal_shows_what_the_analyst_gave_it(follow: Any) -> None:
    made = {target: (models, made) for target, models, made in rows(follow("companies", "7"))}
    assert made["products"][1][0]["name"] == "Pump"
    assert made["companies"][1][0]["is_principal"] is True


def test_of_two_models_that_give_the_same_values_the_one_that_made_the_row_is_named(follow: Any) -> None:
    made = {row["distributor_id"]: model for _, model, many in rows(follow("companies", "7")) for row in many
            if "distributor_id" in row}  # fmt: skip
    assert made == {
        8: "principal_distributor_relationships_from_opportunities",
        9: "principal_distributor_relationships",
    }


def test_what_no_model_reads_stays_and_makes_nothing(follow: Any) -> None:
    assert follow("tags", "0").made == ()
    assert follow("sales", None).made == ()


def test_the_lowest_record_is_taken_where_no_id_is_given(follow: Any) -> None:
    assert follow("tags", None).key == 0


@pytest.mark.parametrize("record", [("contacts", "40"), ("tasks", "42"), ("contactNotes", "42"), ("sales", None)])
def test_no_name_is_shown_unasked(follow: Any, record: tuple[str, str | None]) -> None:
    said = json.dumps(asdict(follow(*record)))
    assert [secret for secret in ("Quentin", "Zebedee", "zebedee", "Ring", "Met ") if secret in said] == []


def test_who_asks_sees_names(follow: Any) -> None:
    found = follow("tasks", show_personal_data=True)
    assert (found.record["text"], found.masked) == ("Ring Quentin", False)
    assert found.made[0].rows[0]["subject"] == "Ring Quentin"


@pytest.mark.parametrize(
    ("table", "key", "said"),
    [
        ("leads", "1", "no records in a table 'leads'"),
        ("tags_color_backup", "1", "no records in a table"),
        ("activities", "1", "no records in a table"),
        ("deals", "9999", "deals has no record 9999"),
        ("deals", "-1", "deals has no record -1"),
        ("deals", "99999999999999999999", "deals has no record"),
        ("deals", "forty", "'forty' is no id"),
        ("deals", "", "'' is no id"),
    ],
)
def test_a_table_or_record_that_is_not_there_is_told_in_one_paragraph(
    follow: Any, table: str, key: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        follow(table, key)
    assert raised.value.hint
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(("missing", "command"), [("findings.parquet", "assess"), ("rejects.parquet", "dry-run")])
def test_a_run_that_lacks_a_stage_says_which(
    run: tuple[Snapshot, Path, Inputs], catalog: Catalog, tmp_path: Path, missing: str, command: str
) -> None:
    for name in {"findings.parquet", "rejects.parquet"} - {missing}:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(NoSuchRun, match=missing) as raised:
        explain.explain(run[0], catalog, run[2], tmp_path, "deals", "42", scratch=tmp_path)
    assert command in raised.value.hint


def test_the_view_of_a_record_says_what_becomes_of_it_and_escapes_it(follow: Any) -> None:
    view = views.of("explanation", asdict(follow("dealNotes", "44")))
    assert view.badge.word == "refused in part"
    assert view.sentence == "dealNotes 44 stands in opportunityNotes; 1 rule would refuse it."
    deal = asdict(follow("deals"))
    assert views.of("explanation", deal).sentence == (
        "deals 42 stands in opportunities, gets 9 columns filled, makes 3 new rows; nothing is refused."
    )
    html = render.fragment(views.of("explanation", deal | {"record": {"name": "<b>bold</b>"}}))
    assert "<b>bold" not in html


def test_the_command_prints_a_table_or_one_json_document(
    run: tuple[Snapshot, Path, Inputs], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_MIGRATE_REPORTS", str(run[1].parent))
    monkeypatch.setenv("CRM_MIGRATE_WORKSPACE", str(tmp_path))
    files.write_json(run[1] / "snapshot.json", {"id": run[0].id, "folder": str(run[0].folder), "rows": {}})
    runner, of_run = CliRunner(), ["--run", run[1].name]
    shown = runner.invoke(cli.app, ["explain-record", "deals", "42", *of_run])
    assert shown.exit_code == 0
    assert "deals 42, which will stand in opportunities" in shown.stdout
    assert "deals.unknown_stage" in shown.stdout
    printed = runner.invoke(cli.app, ["explain-record", "contacts", "40", "--json", *of_run])
    assert json.loads(printed.stdout)["record"]["first_name"] == "Q…"
    asked = ["explain-record", "contacts", "40", "--show-personal-data", "--json", *of_run]
    assert json.loads(runner.invoke(cli.app, asked).stdout)["record"]["first_name"] == "Quentin"
    assert runner.invoke(cli.app, ["explain-record", "nothing", "1", *of_run]).exit_code == 2
