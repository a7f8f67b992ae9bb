"""Spot checks: every stratum is looked at, an untouched migration passes, what was meddled with is found (D2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from crm_migrate import catalog as catalogs
from crm_migrate import history, inputs, postgres, snapshot, spotcheck, workflow
from crm_migrate.demo import inputs_of
from crm_migrate.settings import Settings
from crm_migrate.spotcheck import SpotChecks
from fixtures_of_nights import Migrated
from nights import settings_for


@dataclass(frozen=True, slots=True)
class Bench:
    """A migrated sample, and a session on it whose transaction is undone in the end."""

    connection: psycopg.Connection[tuple[Any, ...]]
    settings: Settings
    out: Path

    def check(self, *, count: int = 100, seed: int = 7) -> SpotChecks:
        catalog = catalogs.load()
        options = {"link_deal_contacts": self.settings.link_deal_contacts}
        given = inputs.load(catalog.root / "mappings", inputs_of(self.settings), options=options)
        run_id = workflow.run_folder("latest", self.settings).name
        record = history.run(self.connection, run_id)
        assert record is not None
        before = snapshot.load(Path(record.facts["snapshot"]))
        return spotcheck.check(
            self.connection, before, given, run_id=run_id, log=None, count=count, seed=seed, out=self.out
        )


@pytest.fixture
def bench(migrated_template: Migrated, tmp_path: Path) -> Iterator[Bench]:
    settings = settings_for(migrated_template.database, migrated_template.folder)
    with psycopg.connect(migrated_template.database.admin_url) as connection:
        connection.execute("set local session_replication_role = replica")
        yield Bench(connection, settings, tmp_path)
        connection.rollback()


def test_an_untouched_migration_passes(bench: Bench) -> None:
    found = bench.check()
    assert [record.differences for record in found.records if record.differences] == []
    assert len(found.records) == 100
    assert spotcheck.load(bench.out) == found


def test_all_records_pass(bench: Bench) -> None:
    found = bench.check(count=100_000)
    assert found.differing == 0
    assert {record.table for record in found.records} == set(postgres.SOURCE_TABLES)


def test_a_hundred_records_are_of_every_table_and_of_every_stratum_that_has_one(bench: Bench) -> None:
    some, every = (bench.check(count=count) for count in (100, 100_000))
    assert {record.table for record in some.records} == set(postgres.SOURCE_TABLES)
    strata = [{(record.table, name) for record in found.records for name in record.strata} for found in (some, every)]
    assert strata[0] == strata[1]


def test_the_same_seed_chooses_the_same_records_and_another_one_others(bench: Bench) -> None:
    first, again, other = (
        {(record.table, record.key) for record in bench.check(seed=seed).records} for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("statement", "relation", "column"),
    [
        ("update public.companies set segment = 'Other'", "public.companies", "segment"),
        ("update public.companies set name = name || ' '", "public.companies", "name"),
        ("update public.contacts set company_id_backup = null", "public.contacts", "company_id_backup"),
        ("delete from public.contact_organizations", "public.contact_organizations", ""),
        ("update public.contact_organizations set created_by = null", "public.contact_organizations", "created_by"),
        ("update public.opportunities set probability = 1", "public.opportunities", "probability"),
        ("update public.opportunities set priority = 'low'", "public.opportunities", "priority"),
        (
            "update public.opportunities set estimated_close_date = estimated_close_date + 1",
            "public.opportunities",
            "estimated_close_date",
        ),
        (
            "update public.opportunity_participants set is_primary = false",
            "public.opportunity_participants",
            "is_primary",
        ),
        ("update public.activities set subject = 'x'", "public.activities", "subject"),
        ("update public.activities set type = 'social'", "public.activities", "type"),
        ("update public.activities set attachments = null", "public.activities", "attachments"),
        ("update public.activities set deleted_at = now()", "public.activities", ""),
        ("update public.tags set name = name || ' '", "public.tags", "name"),
        ("update public.sales set disabled = not disabled", "public.sales", "disabled"),
    ],
)
def test_what_was_meddled_with_is_found_and_named(bench: Bench, statement: str, relation: str, column: str) -> None:
    bench.connection.execute(statement.encode())
    found = bench.check()
    named = {(one.relation, one.column) for record in found.records for one in record.differences}
    assert named == {(relation, column)}
    assert f"in {relation}" in found.detail


def test_a_difference_shows_source_expected_and_found_without_personal_data(bench: Bench) -> None:
    bench.connection.execute("update public.contacts set last_name = 'Zyxwvut'")
    difference = next(one for record in bench.check().records for one in record.differences)
    assert (difference.column, difference.found) == ("last_name", "Z…")
    assert difference.source == {"last_name": difference.expected}
    assert "Zyxwvut" not in (bench.out / spotcheck.FILE).read_text(encoding="utf-8")
