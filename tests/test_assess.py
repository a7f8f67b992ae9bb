"""The assessment: what is counted, what is kept, and what is not told."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from conftest import Database, Server, scratch_database
from crm_migrate import assess, demo, events, files, inputs, postgres, snapshot
from crm_migrate.assess import Assessment
from crm_migrate.catalog import Catalog
from crm_migrate.errors import NoSuchRun
from planted import Source, plant

CONTACT = """insert into public.contacts (id, first_name, last_name, company_id, sales_id, email_jsonb)
    values (5, 'Ada', 'Free', null, 1, '[{"email": "ada@base.example", "type": "Work"}]');"""
DEAL = """insert into public.deals (
        id, created_at, expected_closing_date, company_id, sales_id, index, name, stage, contact_ids
    )
    select id, '2024-05-01', now() + interval '1 year', 0, 1, id, """
PRODUCTS = "principal_id,name,description,sku,category,unit_price,unit_cost,is_active,min_order_quantity\n"


def assessed(source: Source, catalog: Catalog, folder: Path, emit: events.Sink = events.silent) -> Assessment:
    return assess.assess(
        source.snapshot, catalog, source.inputs, out=folder / "out", scratch=folder / "scratch", emit=emit
    )


def findings(folder: Path) -> list[tuple[str, str, str, str]]:
    frame = pl.read_parquet(folder / "out" / "findings.parquet")
    assert frame.columns == ["check", "severity", "table", "key", "detail"]
    return sorted(frame.select("check", "severity", "table", "key").rows())


def test_a_clean_source_has_no_findings_and_the_full_score(
    database: Database, catalog: Catalog, tmp_path: Path
) -> None:
    assessment = assessed(plant(database, tmp_path), catalog, tmp_path)
    assert findings(tmp_path) == []
    assert (assessment.records, assessment.warning_rows, assessment.blocker_rows, assessment.score) == (8, 0, 0, 100)
    assert len(assessment.checks) == len(catalog.checks)


def test_every_failing_row_is_kept_with_its_check(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    given = f"{DEAL} 'X' || id, 'odd', '{{0}}' from generate_series(100, 2599) as id;"
    assessed(plant(database, tmp_path, given=given), catalog, tmp_path)
    expected = [("deals.unknown_stage", "warning", "public.deals", str(key)) for key in range(100, 2600)]
    assert findings(tmp_path) == sorted(expected)


def test_a_row_with_two_warnings_counts_once(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    given = f"{DEAL} '', 'odd', '{{0, null}}' from generate_series(5, 5) as id;"
    assessment = assessed(plant(database, tmp_path, given=given), catalog, tmp_path)
    assert len(findings(tmp_path)) == 3
    assert (assessment.warning_rows, assessment.records) == (1, 9)
    assert assessment.warning_ratio == pytest.approx(1 / 9)


def test_each_table_has_its_own_ratio_and_score(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    given = (
        f"{DEAL} 'X' || id, case id when 100 then 'odd' else 'won' end, '{{0}}' from generate_series(100, 118) as id;"
    )
    assessment = assessed(plant(database, tmp_path, given=given), catalog, tmp_path)
    assert assessment.tables["deals"] == assess.TableScore(20, 1, 0.05, 0, 59)
    assert assessment.tables["contacts"] == assess.TableScore(1, 0, 0.0, 0, 100)
    assert assessment.tables["tags_color_backup"] == assess.TableScore(0, 0, 0.0, 0, 100)
    assert sum(table.records for table in assessment.tables.values()) == assessment.records
    assert sum(table.warning_rows for table in assessment.tables.values()) == assessment.warning_rows


def test_an_info_is_neither_a_warning_nor_a_blocker(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    assessment = assessed(plant(database, tmp_path, given=CONTACT), catalog, tmp_path)
    assert findings(tmp_path) == [("contacts.without_company", "info", "public.contacts", "5")]
    assert (assessment.warning_rows, assessment.blocker_rows, assessment.score) == (0, 0, 100)


def test_a_line_of_the_inputs_that_leads_nowhere_is_a_blocker(
    database: Database, catalog: Catalog, tmp_path: Path
) -> None:
    source = plant(database, tmp_path, files={"products.csv": f"{PRODUCTS}0,Widget,,,,,,,\n"})
    assessment = assessed(source, catalog, tmp_path)
    assert findings(tmp_path) == [("inputs.products_no_principal", "blocker", "migration.products", "2")]
    assert (assessment.blocker_rows, assessment.warning_rows) == (1, 0)
    [found] = [check for check in assessment.checks if check.failing]
    assert (found.failing, found.total) == (1, 1)
    assert found.why
    assert found.fix


def test_what_the_snapshot_cannot_hold_is_a_finding(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    given = """
        insert into public.contacts (id, first_name, last_name, company_id, tags) values
            (5, 'Ada', 'Nested', 0, '{{0, 0}, {0, 0}}'), (6, 'Bea', 'Shifted', 0, '[0:1]={0, 0}');
        insert into public.companies (id, name, context_links) values (5, 'Odd Ltd', '["\\ud800"]');
    """
    assessment = assessed(plant(database, tmp_path, given=given), catalog, tmp_path)
    odd = [row for row in findings(tmp_path) if row[0].startswith("snapshot.")]
    assert odd == [
        ("snapshot.dimensions", "warning", "public.contacts", "5"),
        ("snapshot.lower_bound", "info", "public.contacts", "6"),
        ("snapshot.unreadable_json", "warning", "public.companies", "5"),
    ]
    assert {check.check for check in assessment.checks} >= {row[0] for row in odd}


def test_what_was_saved_is_what_was_returned(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    given = f"{CONTACT} update public.deals set name = ' ', expected_closing_date = 'infinity';"
    assessment = assessed(plant(database, tmp_path, given=given), catalog, tmp_path)
    assert assess.load(tmp_path / "out") == assessment


def test_the_file_begins_with_what_the_contract_names(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    source = plant(database, tmp_path)
    assessed(source, catalog, tmp_path)
    saved = files.read_json(tmp_path / "out" / "assessment.json")
    assert list(saved)[:7] == [
        "snapshot", "records", "warning_rows", "warning_ratio", "blocker_rows", "score", "checks",
    ]  # fmt: skip
    assert saved["snapshot"] == {
        "id": source.snapshot.id,
        "taken_at": source.snapshot.taken_at.isoformat(),
        "server_version": source.snapshot.server_version,
        "rows": source.snapshot.rows,
    }
    assert set(saved["checks"][0]) == {"check", "severity", "table", "failing", "total", "why", "fix"}


def test_counts_and_totals_are_kept_for_later(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    assessment = assessed(plant(database, tmp_path), catalog, tmp_path)
    assert set(assessment.totals) == {question.name for question in catalog.questions}
    assert ["contacts", "1"] in assessment.totals["rows_by_table"]


def test_each_check_is_told_as_it_ends(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    told: list[events.Event] = []
    assessed(plant(database, tmp_path), catalog, tmp_path, emit=told.append)
    total = len(catalog.checks)
    assert [(event.kind, event.rows_done, event.rows_total) for event in told] == [
        ("progress", done, total) for done in range(1, total + 1)
    ]


def test_nothing_is_left_in_the_scratch_folder(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    assessed(plant(database, tmp_path), catalog, tmp_path)
    assert [path for path in (tmp_path / "scratch").iterdir() if path.name != ".lock"] == []


def test_a_second_assessment_replaces_the_first(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    source = plant(database, tmp_path, given=CONTACT)
    assert assessed(source, catalog, tmp_path) == assessed(source, catalog, tmp_path)
    assert len(findings(tmp_path)) == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["assessment.json", "findings.parquet"]


def test_a_run_without_an_assessment_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NoSuchRun, match="no assessment"):
        assess.load(tmp_path)


@pytest.mark.parametrize(
    ("records", "unsound", "blockers", "expected"),
    [(1000, 0, 0, 100), (1000, 1, 0, 99), (1000, 10, 0, 90), (1000, 200, 0, 10), (1000, 1000, 0, 0), (0, 0, 0, 100),
     (1_000_000, 1, 1, 49), (10, 18, 9, 0), (0, 3, 3, 49)],
)  # fmt: skip
def test_the_score_falls_with_unsound_records(records: int, unsound: int, blockers: int, expected: int) -> None:
    assert assess.score(records=records, unsound_rows=unsound, blocker_rows=blockers) == expected


def test_a_row_with_a_warning_and_a_blocker_is_one_unsound_record(
    database: Database, catalog: Catalog, tmp_path: Path
) -> None:
    given = (
        'alter table public."dealNotes" drop constraint "dealNotes_deal_id_fkey"; '
        f"{DEAL} 'X' || id, 'won', '{{0}}' from generate_series(100, 107) as id; "
        """insert into public."dealNotes" (id, deal_id, date, text) values (1, 4711, '2099-01-01', 'a')"""
    )
    assessment = assessed(plant(database, tmp_path, given=given), catalog, tmp_path)
    both = {
        severity for _check, severity, table, key in findings(tmp_path) if (table, key) == ("public.dealNotes", "1")
    }
    assert both >= {"warning", "blocker"}
    assert (assessment.tables["dealNotes"].warning_rows, assessment.tables["dealNotes"].blocker_rows) == (1, 1)
    unsound = {(table, key) for _check, severity, table, key in findings(tmp_path) if severity != "info"}
    share = 1 - len(unsound) / assessment.records
    assert assessment.score == min(49, int(100 * share**10))


UNFOUND = {  # harmless, or nothing that the rows themselves tell
    "companies.description_megabyte", "contactNotes.text_megabyte", "tasks.sequence_behind",
}  # fmt: skip


def test_every_planted_defect_is_found_and_no_clean_row_is_warned_of(
    server: Server, catalog: Catalog, tmp_path: Path
) -> None:
    with scratch_database(server) as dirty:
        demo.fill(dirty.url, contacts=1500, dirt=0.2, planted=tmp_path / "planted.json")
        taken = snapshot.take(dirty.url, tmp_path / "snapshot", emit=events.silent)
    given = inputs.load(catalog.root / "mappings", None, options={"link_deal_contacts": False})
    assess.assess(taken, catalog, given, out=tmp_path / "out", scratch=tmp_path / "scratch", emit=events.silent)
    rows = findings(tmp_path)
    found = {(table, key) for _, _, table, key in rows}
    planted = {
        kind: {(defect["table"], str(key)) for key in defect["keys"]}
        for kind, defect in files.read_json(tmp_path / "planted.json").items()
        if not kind.endswith(".id_zero")
    }
    assert {kind for kind, keys in planted.items() if not keys <= found} <= UNFOUND
    dirt = set().union(*planted.values())
    follows = "dealNotes.without_organization"  # the notes of a deal whose company was taken away
    assert [row for row in rows if row[1] != "info" and row[0] != follows and row[2:] not in dirt] == []
    of_rows = {check.name for check in catalog.checks if not check.table.startswith("migration.")}
    assert of_rows - {row[0] for row in rows} == EXCLUDED.keys()  # a new check needs a kind of its own


EXCLUDED = {  # what the source's own keys exclude, or what one row cannot show: how it is planted, and its keys
    "companies.unknown_sales": ("update public.companies set sales_id = 404 where id in (3, 4)", {"3", "4"}),
    "contacts.unknown_company": ("update public.contacts set company_id = 404 where id in (3, 4)", {"3", "4"}),
    "contacts.unknown_sales": ("update public.contacts set sales_id = 404 where id = 5", {"5"}),
    "contactNotes.unknown_contact": ('update public."contactNotes" set contact_id = 404 where id = 3', {"3"}),
    "contactNotes.unknown_sales": ('update public."contactNotes" set sales_id = 404 where id = 4', {"4"}),
    "dealNotes.unknown_deal": ('update public."dealNotes" set deal_id = 404 where id = 3', {"3"}),
    "dealNotes.unknown_sales": ('update public."dealNotes" set sales_id = 404 where id = 4', {"4"}),
    "deals.unknown_company": ("update public.deals set company_id = 404 where id = 3", {"3"}),
    "deals.unknown_sales": ("update public.deals set sales_id = 404 where id = 4", {"4"}),
    "tasks.unknown_contact": ("update public.tasks set contact_id = 404 where id = 3", {"3"}),
    "tags.invalid_color": ("update public.tags set color = 'rainbow' where id = 3", {"3"}),
    "tags_color_backup.unknown_tag": ("update public.tags_color_backup set id = 404 where id = 3", {"404"}),
    "sales.without_administrator": ("update public.sales set administrator = false", {"1"}),
}
_FREE = """
    do $$
    declare
        rule record;
    begin
        for rule in
            select conrelid::regclass as relation, conname as name from pg_constraint
            where connamespace = 'public'::regnamespace and contype in ('f', 'c')
        loop
            execute format('alter table %s drop constraint %I', rule.relation, rule.name);
        end loop;
    end
    $$;
"""


def test_what_the_sources_own_keys_exclude_is_found_once_they_are_gone(
    server: Server, catalog: Catalog, tmp_path: Path
) -> None:
    with scratch_database(server) as freed:
        demo.fill(freed.url, contacts=100)
        with postgres.connect(freed.url) as owner:
            for statement in (_FREE, *(change for change, _keys in EXCLUDED.values())):
                owner.execute(statement.encode())
        taken = snapshot.take(freed.url, tmp_path / "snapshot", emit=events.silent)
    given = inputs.load(catalog.root / "mappings", None, options={"link_deal_contacts": False})
    assess.assess(taken, catalog, given, out=tmp_path / "out", scratch=tmp_path / "scratch", emit=events.silent)
    found: dict[str, set[str]] = {}
    for check, _severity, _table, key in findings(tmp_path):
        found.setdefault(check, set()).add(key)
    assert {name: found.get(name) for name in EXCLUDED} == {name: keys for name, (_change, keys) in EXCLUDED.items()}
