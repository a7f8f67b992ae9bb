"""The profile of each column: right in its figures, flat, and silent about people unless asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import Database
from crm_migrate import personal, profile
from crm_migrate.catalog import Catalog
from crm_migrate.errors import NoSuchRun
from crm_migrate.profile import Lengths, Profile
from planted import plant

SECRETS = ("Quentin", "Zebedee", "quentin@zebedee.example", "+1 555 0100", "he likes cheese", "Zebedee Lane")
SPOKEN = """
    insert into public.companies (id, name, address, phone_number, context_links)
    values (5, 'Acme', '1 Zebedee Lane', '+1 555 0100', '["https://acme.example"]');
    insert into public.contacts (id, first_name, last_name, background, email_jsonb, tags) values
        (5, 'Quentin', 'Zebedee', 'he likes cheese', '[{"email": "quentin@zebedee.example", "type": "Work"}]', '{1,2}'),
        (6, 'Quentin', 'Zebedee', 'he likes cheese', '[{"type": "Home", "email": "quentin@zebedee.example"}]', '{}'),
        (7, 'Quentin', 'Zebedee', null, '[{"quentin@zebedee.example": 1}]', null);
    update public.sales set first_name = 'Quentin', last_name = 'Zebedee', email = 'quentin@zebedee.example';
"""


def profiled(database: Database, catalog: Catalog, folder: Path, given: str = "", *, show: bool = False) -> Profile:
    source = plant(database, folder, given=given)
    return profile.profile(
        source.snapshot, catalog.prelude, out=folder / "out", scratch=folder / "scratch", show_personal_data=show
    )


def test_every_column_of_every_table_has_a_profile(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    source = plant(database, tmp_path)
    found = profile.profile(source.snapshot, catalog.prelude, out=tmp_path / "out", scratch=tmp_path / "scratch")
    assert {name: list(columns) for name, columns in found.tables.items()} == {
        table.name: list(table.columns) for table in source.snapshot.tables
    }
    assert [path for path in (tmp_path / "scratch").iterdir() if path.name != ".lock"] == []


def test_the_saved_profile_tells_nothing_of_people(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    found = profiled(database, catalog, tmp_path, SPOKEN).tables["contacts"]
    text = (tmp_path / "out" / "profile.json").read_text(encoding="utf-8")
    assert [secret for secret in SECRETS if secret in text] == []
    assert ("Q…", 3) in found["first_name"].frequent
    assert found["first_name"].masked
    assert not found["status"].masked


def test_who_asks_for_it_sees_personal_data(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    found = profiled(database, catalog, tmp_path, SPOKEN, show=True).tables
    assert ("Quentin", 3) in found["contacts"]["first_name"].frequent
    assert found["companies"]["address"].max == "1 Zebedee Lane"
    assert not found["contacts"]["first_name"].masked


def test_the_shape_of_json_is_told_whatever_the_order_of_its_keys(
    database: Database, catalog: Catalog, tmp_path: Path
) -> None:
    given = """
        insert into public.contacts (id, email_jsonb) values
            (5, '[{"email": "a@b.example", "type": "Work"}]'), (6, '[{"type": "Work", "email": "c@d.example"}]'),
            (7, '{"email": 7, "new": true}'), (8, '[]'), (9, 'null');
        insert into public.companies (id, name, context_links) values (5, 'Odd Ltd', '["\\ud800"]');
        insert into public."contactNotes" (id, contact_id, attachments)
            values (5, 5, array['{"src": "x"}', null]::jsonb[]), (6, 5, '{}');
    """
    found = profiled(database, catalog, tmp_path, given).tables
    shapes = dict(found["contacts"]["email_jsonb"].shapes)
    assert shapes.pop("[{email: text, type: text}]") >= 2
    assert shapes.items() >= {"{email: number, new: boolean}": 1, "[]": 1, "null": 1}.items()
    assert ("not readable", 1) in found["companies"]["context_links"].shapes
    assert {"[{src: text}]", "[]"} <= {shape for shape, _ in found["contactNotes"]["attachments"].shapes}


def test_lengths_ranges_and_frequent_values_are_counted(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    given = """
        delete from public."dealNotes"; delete from public.deals;
        insert into public.deals (id, name, stage, amount, created_at, contact_ids) values
            (5, 'a', 'won', 0, '2025-01-31 23:00+00', '{}'), (6, 'bb', 'won', 999, '2025-02-01', '{1,2}'),
            (7, 'dddd', 'lost', 1000, '2025-02-03', null), (8, 'dddd', 'won', -12, '2025-02-04', '{1}');
    """
    found = profiled(database, catalog, tmp_path, given).tables["deals"]
    assert found["name"].lengths == Lengths(1, 2.8, 4)
    assert found["stage"].frequent == (("won", 3), ("lost", 1))
    assert found["id"].frequent == ()
    assert found["amount"].histogram is not None
    assert found["amount"].histogram.bins == (
        ("-99 to -10", 1), ("under 1", 1), ("100 to 999", 1), ("1,000 to 9,999", 1),
    )  # fmt: skip
    assert found["created_at"].histogram is not None
    assert found["created_at"].histogram.bins == (("2025-01", 1), ("2025-02", 3))
    assert found["contact_ids"].histogram is not None
    assert found["contact_ids"].histogram.bins == (("0", 1), ("1", 1), ("2", 1))
    assert (found["contact_ids"].nulls, found["contact_ids"].lengths) == (1, Lengths(0, 1.0, 2))


def test_infinite_dates_and_empty_columns_have_a_profile(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    given = "update public.tasks set due_date = 'infinity', done_date = '0044-03-15 BC', sales_id = null;"
    tasks = profiled(database, catalog, tmp_path, given).tables["tasks"]
    assert tasks["due_date"].max == "infinity"
    assert tasks["due_date"].histogram is None
    assert tasks["done_date"].min == "0044-03-15 (BC) 00:00:00+00"
    assert (tasks["sales_id"].nulls, tasks["sales_id"].distinct, tasks["sales_id"].min) == (1, 0, None)


def test_an_empty_table_has_a_profile(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    tasks = profiled(database, catalog, tmp_path, "delete from public.tasks;").tables["tasks"]
    assert [(facts.nulls, facts.distinct, facts.frequent) for facts in tasks.values()] == [(0, 0, ())] * len(tasks)


def test_columns_that_a_customer_added_have_a_profile_and_are_masked(
    database: Database, catalog: Catalog, tmp_path: Path
) -> None:
    given = """
        create type public.mood as enum ('glad', 'sad');
        alter table public.deals add column margin numeric, add column mood public.mood, add column "Rate" real,
            add column secret text, add column span interval, add column share numeric(40, 2), add column raw bytea;
        update public.deals set margin = 9.5, mood = 'sad', secret = 'Quentin', "Rate" = 'NaN', span = '1 day',
            share = 1e37, raw = '\\x00';
        insert into public.deals (id, name, stage, company_id, margin, "Rate")
            values (5, 'X', 'won', 0, 10, 'infinity'), (6, 'Y', 'won', 0, 'NaN', 0.5);
    """
    deals = profiled(database, catalog, tmp_path, given).tables["deals"]
    assert (deals["margin"].min, deals["margin"].max) == ("9.5000000000", "10.0000000000")
    assert deals["secret"].min == "Q…"
    assert deals["mood"].frequent == (("s…", 1),)
    assert deals["Rate"].histogram is not None
    assert deals["Rate"].histogram.bins == (("under 1", 1),)


def test_what_is_saved_is_what_is_read_again(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    assert profiled(database, catalog, tmp_path, SPOKEN) == profile.load(tmp_path / "out")


def test_a_run_without_a_profile_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NoSuchRun, match="no profile"):
        profile.load(tmp_path)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("jane.doe@example.com", "j…@…"), ("Jane", "J…"), ("J", "…"), ("", ""), ("  ", "  "), (7, 7), (None, None),
        (["Jane", 7], ["J…", 7]), ({"email": "j@d.example", "type": "Work"}, {"email": "j…@…", "type": "Work"}),
        ({"Jane Doe": {"type": "Home", "note": "call"}}, {"J…": {"type": "Home", "note": "c…"}}),
    ],
)  # fmt: skip
def test_masking_leaves_shape_and_numbers(value: object, shown: object) -> None:
    assert personal.masked(value) == shown


def test_a_column_that_nobody_knows_is_personal_unless_it_holds_numbers_or_times() -> None:
    assert personal.is_personal("deals", "nickname", "text")
    assert personal.is_personal("contacts", "email_jsonb", "JSON")
    assert not personal.is_personal("deals", "discount", "numeric(5,2)")
    assert not personal.is_personal("opportunities", "stage", "VARCHAR")


def test_addresses_leave_a_sentence() -> None:
    assert personal.without_addresses("'jane@doe.example' is no address") == "'j…@…' is no address"


def test_an_address_that_strays_into_a_column_of_words_is_masked() -> None:
    assert personal.veiled("deals", "stage", "text", "ask ann@example.com") == "ask a…@…"
    assert personal.veiled("deals", "stage", "text", "won") == "won"
    assert personal.masked([{"email": "ann@example.com", "type": "ann@example.com"}]) == [
        {"email": "a…@…", "type": "a…@…"}
    ]
    assert personal.masked([{"email": "ann@example.com", "type": "Work"}]) == [{"email": "a…@…", "type": "Work"}]
