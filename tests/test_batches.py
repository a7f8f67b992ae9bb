"""A batch is the next rows by key, however sparse the keys are; a row that fails is found by halving."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from conftest import Database
from crm_migrate import batches, history, inputs, isolate, plan, postgres, rejects
from crm_migrate.catalog import Catalog, Model
from crm_migrate.events import silent
from crm_migrate.postgres import Connection
from crm_migrate.settings import Settings
from crm_migrate.steps import Context

KEYS = (-(2**63), -1, 0, 1, 5_000_000, 2**62)


@pytest.fixture
def connection(database: Database, catalog: Catalog) -> Iterator[Connection]:
    """A CRM with the tables of 1.4, before their rows; one deal with a company, one without."""
    with postgres.connect(database.url, autocommit=True) as opened:
        opened.execute("insert into public.companies (id, name) values (0, 'Zero')")
        opened.execute(
            "insert into public.deals (id, name, company_id, stage) values (0, 'a', 0, 'won'), (1, 'b', null, 'won')"
        )
        with opened.transaction():
            history.prepare(opened, catalog)
            inputs.store(opened, inputs.load(catalog.root / "mappings", None, options={"link_deal_contacts": False}))
            record = history.begin(opened, "test")
        for kind in plan.build(catalog).steps():
            if kind.step.name == "load:activities_from_tasks":
                break
            kind.apply(Context(opened, catalog, Settings(), "test", "", record.backup_stamp, silent, lambda: None))
        yield opened


@pytest.fixture
def model(catalog: Catalog) -> Model:
    return catalog.models["activities_from_deal_notes"]


def notes(connection: Connection, *deals: int) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            'insert into public."dealNotes" (id, deal_id, text) values (%s, %s, %s)',
            [(key, deal, "x") for key, deal in zip(KEYS, deals, strict=True)],
        )


def test_windows_go_over_sparse_keys_in_rows_not_in_ids(connection: Connection, model: Model) -> None:
    notes(connection, 0, 0, 0, 0, 0, 0)
    windows: list[tuple[int, int]] = []
    after = None
    while (window := batches.next_window(connection, model, after, 4)) is not None:
        windows.append((window.high, window.rows))
        after = window.high
    assert windows == [(KEYS[3], 4), (KEYS[5], 2)]


def test_without_rows_there_is_no_window(connection: Connection, model: Model) -> None:
    assert batches.next_window(connection, model, None, 10) is None
    assert batches.count(connection, model) == 0


def test_bad_rows_are_isolated_and_all_others_come_in(connection: Connection, model: Model) -> None:
    notes(connection, 0, 1, 0, 0, 1, 0)
    window = batches.next_window(connection, model, None, 100)
    assert window is not None
    with connection.transaction():
        rejected = isolate.move(connection, batches.prepare(connection, model), window, run_id="test", step="load:x")
    assert rejected == 2
    kept = [row[0] for row in connection.execute("select source_id from public.activities order by 1")]
    assert kept == [KEYS[0], KEYS[2], KEYS[3], KEYS[5]]
    assert history.rejects(connection, "test") == {"load:x": ("-1", "5000000")}


def test_what_is_no_rows_fault_is_raised_and_nothing_of_the_batch_stays(connection: Connection, model: Model) -> None:
    notes(connection, 0, 0, 0, 0, 0, 0)
    window = batches.next_window(connection, model, None, 100)
    assert window is not None
    broken = replace(batches.prepare(connection, model), types=("no_such_type",) * 12)
    with pytest.raises(psycopg.errors.UndefinedObject), connection.transaction():
        isolate.move(connection, replace(broken, columns=broken.columns[:12]), window, run_id="test", step="load:x")
    assert connection.execute("select count(*) from public.activities").fetchone() == (0,)
    assert history.rejects(connection, "test") == {}


def test_a_row_that_cannot_even_be_made_is_set_aside_with_its_key(connection: Connection, model: Model) -> None:
    notes(connection, 0, 0, 0, 0, 0, 0)
    window = batches.next_window(connection, model, None, 100)
    assert window is not None
    failing = replace(model, sql=f"select * from ({model.sql}) as made where 1 / (source_id + 1) is not null")
    with connection.transaction():
        move = batches.prepare(connection, failing)
        assert isolate.move(connection, move, window, run_id="test", step="load:x") == 1
    [left] = rejects.listed(connection, "test")
    assert (left.sqlstate, left.message) == ("22012", "a value does not fit its column (DivisionByZero)")
    assert left.row == {"id": -1}


def test_of_two_rows_at_odds_the_one_with_the_lower_key_comes_in(connection: Connection, model: Model) -> None:
    notes(connection, 1, 0, 0, 0, 0, 0)  # the first is refused, so that the halves are gone through
    connection.execute(
        "alter table public.activities add constraint at_odds "
        f"exclude using btree ((case when source_id in ({KEYS[1]}, {KEYS[4]}) then 0 end) with =)"
    )
    window = batches.next_window(connection, model, None, 100)
    assert window is not None
    with connection.transaction():
        isolate.move(connection, batches.prepare(connection, model), window, run_id="test", step="load:x")
    assert [int(reject.key) for reject in rejects.listed(connection, "test")] == [KEYS[0], KEYS[4]]


def test_once_more_rows_are_refused_than_allowed_the_rest_is_not_looked_at(
    connection: Connection, model: Model
) -> None:
    notes(connection, 1, 1, 1, 1, 1, 1)
    window = batches.next_window(connection, model, None, 100)
    assert window is not None
    with connection.transaction():
        move = batches.prepare(connection, model)
        assert isolate.move(connection, move, window, run_id="test", step="load:x", allowed=2) == 3


def test_types_and_columns_are_those_of_the_target(connection: Connection, model: Model) -> None:
    move = batches.prepare(connection, model)
    types = dict(zip(move.columns, move.types, strict=True))
    assert types["activity_type"] == "activity_type"
    assert types["attachments"] == "jsonb[]"


def test_an_update_does_not_write_its_key(connection: Connection, catalog: Catalog) -> None:
    assert "id" not in batches.prepare(connection, catalog.models["opportunities"]).columns


@pytest.mark.parametrize(
    ("size", "seconds", "next_size"),
    [
        (10_000, 10.1, 5_000),
        (10_000, 10.0, 10_000),
        (150, 99.0, batches.SMALLEST),
        (batches.SMALLEST, 99.0, batches.SMALLEST),
        (5_000, 2.4, 10_000),
        (5_000, 2.6, 5_000),
        (10_000, 0.1, 10_000),
    ],
)
def test_the_next_batch_is_as_large_as_its_locks_allow(size: int, seconds: float, next_size: int) -> None:
    assert batches.next_size(size, seconds, limit=10.0, largest=10_000) == next_size


def test_a_batch_is_never_larger_than_was_asked_for() -> None:
    assert batches.next_size(7, 99.0, limit=10.0, largest=7) == 7
