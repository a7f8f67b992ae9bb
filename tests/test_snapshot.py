"""A snapshot is the source as it was: every row, every column, every odd value, and nothing written (A1)."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import adbc_driver_manager
import polars as pl
import psycopg
import pyarrow.parquet as pq
import pytest
from psycopg import sql

from conftest import Database
from crm_migrate import catalog as catalogs
from crm_migrate import drift, duck, extract, postgres, schema, snapshot, workflow
from crm_migrate.errors import MigrationError, NoSuchRun, NotAtomicCrm, Stopped, UsageError
from crm_migrate.events import Event, silent
from crm_migrate.oddities import Oddity
from nights import settings_for

_WAIT = 30.0  # seconds after which a test that hangs fails
USER = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"


@pytest.fixture
def odd(database: Database) -> Iterator[psycopg.Connection[Any]]:
    """The owner's session on a database with the least rows that everything hangs on, ids from 0."""
    with postgres.connect(database.admin_url) as admin:
        admin.execute(
            "insert into auth.users (id, email, raw_user_meta_data) values (%s, 'a@b.example', %s)",
            [USER, json.dumps({"first_name": "Ada", "last_name": "B"})],
        )
    with postgres.connect(database.url, autocommit=True) as owner:
        owner.execute("insert into companies (id, name) values (0, 'Zero'), (1, 'One')")
        owner.execute("insert into contacts (id, first_name, company_id) values (0, 'Null', 0), (1, 'Eins', 0)")
        yield owner


@pytest.fixture
def read(database: Database, catalog: catalogs.Catalog, tmp_path: Path) -> Iterator[Any]:
    """Takes a snapshot, attaches it to DuckDB, and runs a query on it."""
    with duck.session(catalog.prelude, scratch=tmp_path / "scratch") as session:

        def ask(query: str) -> list[tuple[Any, ...]]:
            taken = tmp_path / "taken"
            if not taken.exists():
                snapshot.attach(session, snapshot.take(database.url, taken, emit=silent))
            return session.execute(query).fetchall()

        yield ask


def test_every_row_of_every_table_arrives(database: Database, odd: psycopg.Connection[Any], tmp_path: Path) -> None:
    taken = snapshot.take(database.url, tmp_path / "taken", emit=silent)
    for name, rows in taken.rows.items():
        found = odd.execute(sql.SQL("select count(*) from {}").format(sql.Identifier("public", name))).fetchone()
        assert found == (rows,)
    assert set(taken.rows) >= set(postgres.SOURCE_TABLES)
    assert taken.rows["contacts"] == 2


def test_a_loaded_snapshot_equals_the_one_taken(
    database: Database, odd: psycopg.Connection[Any], tmp_path: Path
) -> None:
    odd.execute("insert into deals (name, stage, contact_ids) values ('x', 'won', '{{1,2},{3,4}}')")
    taken = snapshot.take(database.url, tmp_path / "taken", emit=silent)
    assert taken.oddities
    assert snapshot.load(tmp_path / "taken") == taken


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("infinity", "infinity"),
        ("-infinity", "-infinity"),
        ("0044-03-15 12:00:00+00 BC", "0044-03-15 (BC) 12:00:00+00"),
        ("4714-11-24 00:00:00+00 BC", "4714-11-24 (BC) 00:00:00+00"),
        ("12345-01-02 03:04:05.678901+00", "12345-01-02 03:04:05.678901+00"),
        ("294246-12-31 23:59:59+00", "294246-12-31 23:59:59+00"),
        ("1969-12-31 23:59:59.999999+00", "1969-12-31 23:59:59.999999+00"),
    ],
)
def test_timestamps_that_python_has_not_pass_through(
    odd: psycopg.Connection[Any], read: Any, value: str, text: str
) -> None:
    odd.execute("update contacts set first_seen = %s where id = 0", [value])
    assert read("select cast(first_seen as varchar) from public.contacts order by id") == [(text,), (None,)]


def test_a_timestamp_behind_duckdbs_last_year_becomes_infinity_and_is_named(
    database: Database, odd: psycopg.Connection[Any], read: Any, tmp_path: Path
) -> None:
    odd.execute("update contacts set last_seen = '294276-12-31 23:59:59+00' where id = 0")
    assert read("select cast(last_seen as varchar) from public.contacts where id = 0") == [("infinity",)]
    named = snapshot.load(tmp_path / "taken").oddities
    assert named == (Oddity("contacts", "last_seen", "0", "out_of_range"),)


@pytest.mark.parametrize(("value", "kind"), [("{{1,2},{3,4}}", "dimensions"), ("[0:1]={1,2}", "lower_bound")])
def test_an_array_that_arrives_flat_is_named(
    database: Database, odd: psycopg.Connection[Any], tmp_path: Path, value: str, kind: str
) -> None:
    odd.execute("insert into deals (id, name, stage, contact_ids) values (0, 'x', 'won', %s)", [value])
    odd.execute(
        "insert into deals (id, name, stage, contact_ids) values (1, 'y', 'won', '{1,null,1}'), (2, 'z', '', '{}')"
    )
    taken = snapshot.take(database.url, tmp_path / "taken", emit=silent)
    assert taken.oddities == (Oddity("deals", "contact_ids", "0", kind),)


def test_arrays_of_json_keep_their_nulls(odd: psycopg.Connection[Any], read: Any) -> None:
    odd.execute(
        """insert into "contactNotes" (id, contact_id, attachments) values
            (0, 0, array['{"src": "a"}', 'null', null]::jsonb[]), (1, 0, '{}'), (2, 0, null)"""
    )
    assert read('select attachments from public."contactNotes" order by id') == [
        (['{"src": "a"}', "null", None],),
        ([],),
        (None,),
    ]


def test_json_that_duckdb_can_read_is_json_with_its_own_text(odd: psycopg.Connection[Any], read: Any) -> None:
    text = r'{"a":"\u0000",  "a":1e999}'
    odd.execute("update companies set context_links = %s where id = 0", [text])
    assert read("select context_links, typeof(context_links) from public.companies where id = 0") == [(text, "JSON")]


def test_json_that_duckdb_cannot_read_does_not_stop_anything_and_is_named(
    odd: psycopg.Connection[Any], read: Any, tmp_path: Path
) -> None:
    text = r'["\ud800"]'
    odd.execute("update companies set context_links = %s where id = 0", [text])
    assert read("select context_links ->> '$' from public.companies where id = 0") == [(text,)]
    named = snapshot.load(tmp_path / "taken").oddities
    assert named == (Oddity("companies", "context_links", "0", "unreadable_json"),)


def test_types_in_duckdb_are_those_of_postgresql(odd: psycopg.Connection[Any], read: Any) -> None:
    odd.execute("alter table contacts add column fee numeric(12,2), add column rate numeric")
    odd.execute("update contacts set fee = 1234567890.10, rate = 1e-200 where id = 0")
    assert read(
        "select typeof(id), typeof(tags), typeof(first_seen), typeof(email_jsonb), typeof(fee), fee::text, length(rate)"
        " from public.contacts where id = 0"
    ) == [("BIGINT", "BIGINT[]", "TIMESTAMP WITH TIME ZONE", "JSON", "DECIMAL(12,2)", "1234567890.10", 202)]
    assert read("select typeof(user_id), cast(user_id as varchar) from public.sales") == [("UUID", USER)]


def test_columns_that_a_customer_added_arrive_whatever_their_type(
    database: Database, odd: psycopg.Connection[Any], read: Any
) -> None:
    kinds = {
        "point": "(1,2)",
        "inet": "1.2.3.4/8",
        "interval": "1 mon 2 days",
        "time": "12:00:00",
        "timetz": "12:00:00+02",
        "tsvector": "'a' 'b'",
        "int4range": "[1,2)",
        "money": "$1.00",
        "bit(3)": "101",
        "oid": "4294967295",
        "regclass": "pg_class",
        "mood": "so so",
        "pair": "(1,x)",
        "word": "w",
        "numeric": "NaN",
    }
    lists = {"mood[]": ["so so", None], "timestamptz[]": ["infinity"], "numeric[]": ["1.50"], "inet[]": ["1.2.3.4/24"]}
    odd.execute("create type mood as enum ('so so'); create type pair as (a int, b text); create domain word as text")
    for number, kind in enumerate([*kinds, *lists]):
        odd.execute(f'alter table companies add column "a ""{number}" {kind}'.encode())
    for number, value in enumerate([*kinds.values(), *lists.values()]):
        assigned = sql.SQL("update companies set {} = {} where id = 0")
        literal = sql.Literal(value if isinstance(value, str) else "{" + ",".join(json.dumps(v) for v in value) + "}")
        odd.execute(assigned.format(sql.Identifier(f'a "{number}'), literal))
    names = ", ".join(duck.quoted(f'a "{number}') for number in range(len(kinds) + len(lists)))
    assert list(read(f"select {names} from public.companies where id = 0")[0]) == [*kinds.values(), *lists.values()]


def test_not_a_number_in_a_limited_numeric_is_named(
    database: Database, odd: psycopg.Connection[Any], read: Any, tmp_path: Path
) -> None:
    odd.execute("alter table contacts add column fee numeric(12,2)")
    odd.execute("update contacts set fee = 'NaN' where id = 1")
    assert read("select fee from public.contacts where id = 1") == [(None,)]
    assert snapshot.load(tmp_path / "taken").oddities == (Oddity("contacts", "fee", "1", "not_a_number"),)


def test_dates_beyond_pythons_pass_through(odd: psycopg.Connection[Any], read: Any) -> None:
    odd.execute("alter table contacts add column born date")
    for number, value in enumerate(["infinity", "-infinity", "0044-03-15 BC", "5874897-12-31"]):
        odd.execute("insert into contacts (id, born) values (%s, %s)", [number + 2, value])
    found = read("select cast(born as varchar) from public.contacts where id > 1 order by id")
    assert found == [("infinity",), ("-infinity",), ("0044-03-15 (BC)",), ("5874897-12-31",)]


def test_polars_reads_what_duckdb_reads_and_shows_infinity_as_null(
    database: Database, odd: psycopg.Connection[Any], tmp_path: Path
) -> None:
    odd.execute("update contacts set first_seen = 'infinity', last_seen = '2024-02-29 12:00+00' where id = 0")
    taken = snapshot.take(database.url, tmp_path / "taken", emit=silent)
    frame = snapshot.scan_polars(taken, "contacts").filter(pl.col("id") == 0).collect()
    assert frame["first_seen"].to_list() == [None]
    assert str(frame["last_seen"][0]) == "2024-02-29 12:00:00+00:00"


def test_a_fingerprint_does_not_know_the_order_of_rows(
    database: Database, odd: psycopg.Connection[Any], tmp_path: Path
) -> None:
    before = snapshot.take(database.url, tmp_path / "before", emit=silent)
    odd.execute("update companies set name = name where id = 0; cluster companies using companies_pkey")
    odd.execute("update companies set name = name where id = 0")
    after = snapshot.take(database.url, tmp_path / "after", emit=silent)
    assert before.table("companies").fingerprint == after.table("companies").fingerprint
    assert before.id != after.id or before.taken_at == after.taken_at


def test_a_fingerprint_changes_with_one_value(database: Database, odd: psycopg.Connection[Any], tmp_path: Path) -> None:
    before = snapshot.take(database.url, tmp_path / "before", emit=silent)
    odd.execute("update companies set city = '' where id = 0")
    after = snapshot.take(database.url, tmp_path / "after", emit=silent)
    assert before.table("companies").fingerprint != after.table("companies").fingerprint
    assert before.table("contacts").fingerprint == after.table("contacts").fingerprint


def test_drift_counts_rows_added_removed_and_changed(
    database: Database, odd: psycopg.Connection[Any], tmp_path: Path
) -> None:
    before = snapshot.take(database.url, tmp_path / "before", emit=silent)
    odd.execute("insert into companies (id, name) values (2, 'Two'), (3, 'Three')")
    odd.execute("update companies set name = 'Nought' where id = 0; delete from companies where id = 1")
    after = snapshot.take(database.url, tmp_path / "after", emit=silent)
    found = drift.compare(before, after)
    assert found == drift.Drift((drift.TableDrift("companies", 2, 3, added=2, removed=1, changed=1),), ())
    assert found.tables[0].moved == 4


def test_drift_without_a_primary_key_counts_by_content(
    database: Database, odd: psycopg.Connection[Any], tmp_path: Path
) -> None:
    odd.execute("create table if not exists tags_color_backup (id bigint, name text)")
    odd.execute("insert into tags_color_backup (id, name) values (1, 'a'), (1, 'a'), (2, 'b')")
    before = snapshot.take(database.url, tmp_path / "before", emit=silent)
    odd.execute("insert into tags_color_backup (id, name) values (1, 'a')")
    odd.execute("update tags_color_backup set name = 'c' where id = 2")
    after = snapshot.take(database.url, tmp_path / "after", emit=silent)
    found = drift.compare(before, after)
    assert found.tables == (drift.TableDrift("tags_color_backup", 3, 4, added=2, removed=1, changed=0),)


def test_the_old_names_are_read_through_views_once_the_tables_are_renamed(
    database: Database, odd: psycopg.Connection[Any], tmp_path: Path
) -> None:
    odd.execute("insert into deals (id, name, stage, contact_ids) values (0, 'x', 'won', '{{1,2},{3,4}}')")
    before = snapshot.take(database.url, tmp_path / "before", emit=silent)
    odd.execute(
        """
        alter table deals rename to opportunities;
        alter table opportunities rename column stage to legacy_stage;
        create view deals as select id, name, company_id, contact_ids, category, legacy_stage as stage, description,
            amount, created_at, updated_at, archived_at, expected_closing_date, sales_id, index from opportunities;
        """
    )
    after = snapshot.take(database.url, tmp_path / "after", emit=silent)
    assert after.table("deals") == before.table("deals")
    assert after.oddities == before.oddities


def test_drift_names_what_changed_in_the_schema(
    database: Database, odd: psycopg.Connection[Any], tmp_path: Path
) -> None:
    before = snapshot.take(database.url, tmp_path / "before", emit=silent)
    odd.execute("alter table companies add column mine text")
    after = snapshot.take(database.url, tmp_path / "after", emit=silent)
    assert drift.compare(before, after) == drift.Drift((), ("column companies.mine",))
    assert before.schema_fingerprint != after.schema_fingerprint


def test_the_schema_of_two_equal_databases_is_equal(database: Database, empty_template: str, server: Any) -> None:
    with postgres.connect(database.url) as one, postgres.connect(server.url(empty_template)) as other:
        assert schema.differences(schema.describe(one), schema.describe(other)) == ()
        assert schema.fingerprint(schema.describe(one)) == schema.fingerprint(schema.describe(other))


@pytest.mark.parametrize(
    "change",
    [
        "alter table deals alter column stage set default 'x'",
        "alter table deals alter column amount type numeric",
        "alter table deals drop constraint deals_company_id_fkey",
        "alter table deals disable row level security",
        'drop policy "Deals Delete Policy" on deals',
        "create index on deals (company_id)",
        "create view v as select 1 as a",
        "alter view contacts_summary set (security_invoker = on)",
        "create function f() returns int language sql as 'select 1'",
        "create type t as enum ('a')",
        "create rule r as on delete to tags do instead nothing",
        "create publication p for table deals",
        "alter sequence deals_id_seq increment by 2",
    ],
)
def test_the_schema_document_sees_a_change(database: Database, change: str) -> None:
    with postgres.connect(database.url) as connection:
        before = schema.describe(connection)
        connection.execute(change.encode())
        after = schema.describe(connection)
        assert before != after
        assert len(schema.differences(before, after)) >= 1
        connection.rollback()
        assert schema.describe(connection) == before


def test_nothing_is_written_to_the_source(database: Database, odd: psycopg.Connection[Any], tmp_path: Path) -> None:
    def state() -> list[Any]:
        with postgres.connect(database.admin_url) as admin:
            admin.execute("select pg_stat_force_next_flush()")
            return [
                admin.execute(
                    "select sum(n_tup_ins + n_tup_upd + n_tup_del), sum(n_tup_hot_upd) from pg_stat_user_tables"
                ).fetchall(),
                admin.execute("select count(*), sum(oid::bigint) from pg_class").fetchall(),
                admin.execute("select last_value from companies_id_seq").fetchall(),
                admin.execute("select txid_current_if_assigned()").fetchall(),
            ]

    odd.execute("select pg_stat_force_next_flush()")
    before = state()
    snapshot.take(database.url, tmp_path / "taken", emit=silent)
    assert state() == before


def test_all_tables_are_of_one_moment(database: Database, odd: psycopg.Connection[Any], tmp_path: Path) -> None:
    odd.execute("insert into tags (name, color) values ('a', 'warm')")
    began = False

    def write_meanwhile(_event: Event, /) -> None:
        nonlocal began
        if not began:
            began = True
            odd.execute("delete from contacts; delete from companies; delete from tags; delete from sales")

    taken = snapshot.take(database.url, tmp_path / "taken", emit=write_meanwhile)
    assert began
    assert (taken.rows["contacts"], taken.rows["companies"], taken.rows["tags"], taken.rows["sales"]) == (2, 2, 1, 1)


def test_a_snapshot_whose_first_session_is_ended_tells_of_that_and_not_of_the_readers_that_lost_the_moment(
    database: Database, tmp_path: Path
) -> None:
    def end(_event: Event) -> None:
        with postgres.connect(database.admin_url) as admin:
            admin.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
                "where application_name like '%snapshot%' and state = 'idle in transaction'"
            )

    with pytest.raises(psycopg.OperationalError):
        snapshot.take(database.url, tmp_path / "taken", emit=end)
    assert not (tmp_path / "taken" / snapshot.MANIFEST).exists()


def test_progress_tells_each_tables_rows(database: Database, odd: psycopg.Connection[Any], tmp_path: Path) -> None:
    said: list[Event] = []
    taken = snapshot.take(database.url, tmp_path / "taken", emit=said.append)
    last = {event.name: (event.rows_done, event.rows_total) for event in said}
    assert last == {f"snapshot:{name}": (rows, rows) for name, rows in taken.rows.items()}


def test_a_role_that_does_not_see_every_row_is_refused(database: Database, server: Any, tmp_path: Path) -> None:
    with postgres.connect(database.admin_url) as admin:
        admin.execute("alter table public.contacts force row level security")
    with pytest.raises(NotAtomicCrm, match="every row of contacts"):
        snapshot.take(database.url, tmp_path / "taken", emit=silent)
    assert not (tmp_path / "taken" / snapshot.MANIFEST).exists()


def test_the_types_are_known_where_a_database_quotes_every_name(database: Database, tmp_path: Path) -> None:
    before = pq.read_schema(taken_at(database, tmp_path / "before"))
    with postgres.connect(database.admin_url, autocommit=True) as admin:
        admin.execute(f"alter database {database.name} set quote_all_identifiers to on".encode())
    extract._database.cache_clear()  # which another test may have filled
    assert pq.read_schema(taken_at(database, tmp_path / "after")) == before


def taken_at(database: Database, folder: Path) -> Path:
    return snapshot.take(database.url, folder, emit=silent).path("contacts")


def test_a_folder_holds_one_snapshot(database: Database, tmp_path: Path) -> None:
    snapshot.take(database.url, tmp_path / "taken", emit=silent)
    with pytest.raises(UsageError, match="already holds"):
        snapshot.take(database.url, tmp_path / "taken", emit=silent)


def test_a_snapshot_that_lost_the_server_behind_its_manifest_is_the_runs_the_next_time(
    sample: Database, tmp_path: Path
) -> None:
    settings = settings_for(sample, tmp_path)
    whole = workflow.snapshot(settings=settings)
    named = workflow.run_folder(settings=settings) / snapshot.REFERENCE
    named.unlink()
    assert workflow.snapshot("latest", settings=settings) == whole
    assert named.exists()


def test_a_snapshot_that_fails_leaves_no_folder(sample: Database, tmp_path: Path) -> None:
    def fail(event: Event, /) -> None:
        raise MigrationError("nobody listens")

    with pytest.raises(MigrationError, match="nobody listens"):
        snapshot.take(sample.url, tmp_path / "taken", emit=fail)
    assert not (tmp_path / "taken").exists()


def test_a_folder_without_a_manifest_is_no_snapshot(database: Database, tmp_path: Path) -> None:
    snapshot.take(database.url, tmp_path / "taken", emit=silent)
    (tmp_path / "taken" / snapshot.MANIFEST).unlink()
    with pytest.raises(NoSuchRun):
        snapshot.load(tmp_path / "taken")


def test_a_snapshot_that_lost_a_file_says_which(database: Database, tmp_path: Path) -> None:
    snapshot.take(database.url, tmp_path / "taken", emit=silent)
    (tmp_path / "taken" / "deals.parquet").unlink()
    with pytest.raises(UsageError, match=r"lacks deals\.parquet"):
        snapshot.load(tmp_path / "taken")


def test_a_manifest_names_no_place_of_this_machine(database: Database, tmp_path: Path) -> None:
    snapshot.take(database.url, tmp_path / "taken", emit=silent)
    assert str(tmp_path) not in (tmp_path / "taken" / snapshot.MANIFEST).read_text()


def test_extract_streams_any_select(database: Database, odd: psycopg.Connection[Any], tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    query = "select id, name || ' {100%}' as \"the name\", null::uuid as nothing from public.companies -- a remark"
    assert extract.extract(database.url, query, file) == 2
    assert pl.read_parquet(file).sort("id").to_dicts() == [
        {"id": 0, "the name": "Zero {100%}", "nothing": None},
        {"id": 1, "the name": "One {100%}", "nothing": None},
    ]


def test_extract_of_no_rows_is_a_file_with_columns(database: Database, tmp_path: Path) -> None:
    assert extract.extract(database.url, "select id, name from public.tags", tmp_path / "rows.parquet") == 0
    assert pl.read_parquet(tmp_path / "rows.parquet").columns == ["id", "name"]


@pytest.mark.parametrize("query", ["select nothing", "select 1 / (id - id) as a from public.companies"])
def test_an_extract_that_fails_leaves_no_file(
    database: Database, odd: psycopg.Connection[Any], tmp_path: Path, query: str
) -> None:
    with pytest.raises(MigrationError):
        extract.extract(database.url, query, tmp_path / "rows.parquet")
    assert list(tmp_path.iterdir()) == []


def test_an_extract_whose_session_is_ended_has_stopped_and_may_be_called_again(
    database: Database, tmp_path: Path
) -> None:
    def end(_rows: int, _seconds: float) -> None:
        with postgres.connect(database.admin_url) as admin:
            admin.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name like '%doomed%'"
            )

    query = "select number, repeat('x', 1000) as text from generate_series(1, 100000) as number"
    with pytest.raises(Stopped, match=r"^reading into rows\.parquet broke off: .*connection") as stopped:
        extract.extract(database.url, query, tmp_path / "rows.parquet", progress=end, purpose="doomed")
    assert "run the same command again" in stopped.value.hint
    assert list(tmp_path.iterdir()) == []


def test_an_extract_behind_a_lock_is_not_called_a_select_that_the_server_refuses(
    database: Database, tmp_path: Path
) -> None:
    with postgres.connect(database.admin_url) as admin:
        admin.execute("lock table public.tags in access exclusive mode")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            url = f"{database.url}&options=-c%20lock_timeout%3D100"
            extract.extract(url, "select id from public.tags", tmp_path / "rows.parquet")


def test_sessions_are_opened_one_at_a_time_since_adbc_counts_them_unguarded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute, ThreadPoolExecutor(2) as pool:
        mute.settimeout(_WAIT)
        conninfo = f"host=127.0.0.1 port={mute.getsockname()[1]} dbname=crm user=crm sslmode=disable connect_timeout=10"
        opening = [pool.submit(extract._session(conninfo, None).__enter__) for _ in range(2)]
        first, _where = mute.accept()
        mute.settimeout(0.5)
        with pytest.raises(TimeoutError):
            mute.accept()
        mute.settimeout(_WAIT)
        first.close()
        second, _where = mute.accept()
        second.close()
        assert all(isinstance(session.exception(_WAIT), adbc_driver_manager.Error) for session in opening)


def test_a_snapshot_is_a_plain_value(database: Database, tmp_path: Path) -> None:
    taken = snapshot.take(database.url, tmp_path / "taken", emit=silent)
    assert asdict(taken)["tables"][0]["primary_key"] == ("id",)


def test_an_array_that_counts_from_five_passes_flat_and_is_named(database: Database, tmp_path: Path) -> None:
    with postgres.connect(database.url) as owner:
        owner.execute("insert into public.deals (id, name, stage, contact_ids) values (1, 'a', 'won', '[5:6]={7,8}')")
    taken = snapshot.take(database.url, tmp_path / "five", emit=silent)
    assert [(oddity.key, oddity.kind) for oddity in taken.oddities] == [("1", "lower_bound")]
    assert snapshot.scan_polars(taken, "deals").collect()["contact_ids"].to_list() == [[7, 8]]


def test_of_a_snapshot_that_is_gone_the_way_out_of_a_night_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoSuchRun) as raised:
        snapshot.load(tmp_path)
    assert "`crm-migrate abort --confirm DATABASE`" in raised.value.hint
