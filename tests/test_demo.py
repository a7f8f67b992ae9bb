"""The demo: the same seed gives the same rows, dirt is where it is said to be, and nobody's data is dropped for it."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from conftest import Database, Server, scratch_database
from crm_migrate import demo, embedded, postgres
from crm_migrate import settings as settings_module
from crm_migrate.demo import defects, rows
from crm_migrate.demo.kinds import KINDS, ZEROS
from crm_migrate.errors import Refused, UsageError
from crm_migrate.events import Event
from crm_migrate.postgres import OPTIONAL_TABLES, SOURCE_TABLES, Connection, table_name

TABLES = (*(f"public.{name}" for name in (*SOURCE_TABLES, *OPTIONAL_TABLES)), "auth.users")


@pytest.fixture
def empty(server: Server) -> Iterator[Database]:
    """A database with nothing in it."""
    with scratch_database(server) as made:
        yield made


@pytest.fixture
def workspace() -> Iterator[Path]:
    """A workspace of its own, with a path short enough for a socket; its server is stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="crm-", ignore_cleanup_errors=True) as folder:
        try:
            yield Path(folder)
        finally:
            embedded.stop(Path(folder))


def row_hashes(url: str) -> dict[str, dict[str, str]]:
    """A hash of every row by table and id."""
    with postgres.connect(url) as connection:
        return {
            table: dict(
                connection.execute(
                    sql.SQL("select rows.id::text, md5(rows::text) from {} as rows").format(table_name(table))
                ).fetchall()
            )
            for table in TABLES
        }


def catalogue(url: str) -> list[tuple[str, ...]]:
    """Everything about the schema that does not depend on when it was made."""
    with postgres.connect(url) as connection:
        connection.execute("set search_path = ''")
        return connection.execute(
            """
            select 'relation', oid::regclass::text, relkind::text, relrowsecurity::text, relacl::text, reloptions::text
            from pg_catalog.pg_class
            where relnamespace::regnamespace::text in ('public', 'auth', 'storage') and relkind <> 't'
            union all
            select 'column', attrelid::regclass::text, attnum::text, attname, atttypid::regtype::text, attnotnull::text
            from pg_catalog.pg_attribute
            inner join pg_catalog.pg_class on pg_class.oid = attrelid
            where relnamespace::regnamespace::text in ('public', 'auth', 'storage') and attnum > 0 and relkind = 'r'
            union all
            select 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), null, null
            from pg_catalog.pg_constraint
            where connamespace::regnamespace::text in ('public', 'auth', 'storage')
            union all
            select 'policy', schemaname, tablename, policyname, cmd, roles::text from pg_catalog.pg_policies
            union all
            select 'function', oid::regprocedure::text, prosrc, proacl::text, prosecdef::text, null
            from pg_catalog.pg_proc
            where pronamespace::regnamespace::text in ('public', 'auth', 'storage')
            union all
            select 'trigger', pg_get_triggerdef(oid), null, null, null, null
            from pg_catalog.pg_trigger
            where not tgisinternal
            union all
            select 'view', schemaname, viewname, definition, null, null
            from pg_catalog.pg_views
            where schemaname = 'public'
            order by 1, 2, 3, 4, 5, 6
            """
        ).fetchall()


def run(url: str, statement: str) -> list[tuple[object, ...]]:
    with postgres.connect(url) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


# the rows


def test_the_same_seed_gives_the_same_rows_and_another_seed_others(sample: Database, empty: Database) -> None:
    expected = row_hashes(sample.url)
    demo.fill(empty.url, contacts=300, seed=7)
    assert row_hashes(empty.url) == expected
    demo.fill(empty.url, contacts=300, seed=8)
    other = row_hashes(empty.url)
    for table in ("public.companies", "public.contacts", "public.deals", "public.tasks", "public.sales"):
        assert not set(other[table].values()) & set(expected[table].values())


def test_the_schema_of_a_demo_is_that_of_the_files_without_rows(sample: Database, database: Database) -> None:
    assert catalogue(sample.url) == catalogue(database.url)


def test_the_report_counts_what_is_there(empty: Database) -> None:
    report = demo.fill(empty.url, contacts=50, dirt=0.1)
    assert {table: len(found) for table, found in row_hashes(empty.url).items()} == report.rows
    assert (report.database, report.contacts, report.dirt) == (empty.name, 50, 0.1)


def test_a_single_contact_is_a_demo_too(empty: Database) -> None:
    report = demo.fill(empty.url, contacts=1)
    assert report.rows["public.companies"] == report.rows["public.contacts"] == report.rows["public.deals"] == 1


def test_a_million_contacts_make_four_million_rows() -> None:
    assert sum(rows.volumes(1_000_000).values()) == pytest.approx(4_200_000, rel=0.001)


def test_identities_go_on_behind_the_last_row(sample: Database) -> None:
    added = run(sample.url, "insert into public.\"contactNotes\" (contact_id, text) values (1, 'new') returning id")
    assert added == [(301,)]


@pytest.mark.parametrize(
    "value",
    [
        "lower((jsonb_array_elements(email_jsonb)) ->> 'email') from public.contacts",
        "lower(name) from public.companies",
        "lower(website) from public.companies",
        "lower(name) from public.tags",
        "lower(email) from public.sales",
    ],
)
def test_what_the_target_wants_unique_is_unique_in_a_clean_demo(sample: Database, value: str) -> None:
    found = run(sample.url, f"select {value}")
    assert len(found) > 1
    assert len(found) == len(set(found))


def test_every_address_lies_where_nobody_can_own_it(sample: Database) -> None:
    found = run(
        sample.url,
        """
        select jsonb_array_elements(email_jsonb) ->> 'email' from public.contacts
        union all select email from public.sales
        union all select website from public.companies
        """,
    )
    reserved = re.compile(r"(\.example|@example\.(com|net|org))$")
    assert [text for (text,) in found if not reserved.search(str(text))] == []


def test_references_without_a_foreign_key_hold_in_a_clean_demo(sample: Database) -> None:
    dangling = run(
        sample.url,
        """
        select 'task', id from public.tasks where sales_id not in (select sales.id from public.sales)
        union all
        select 'deal', id from public.deals where not contact_ids <@ (select array_agg(id) from public.contacts)
        union all
        select 'contact', id from public.contacts where not tags <@ (select array_agg(id) from public.tags)
        """,
    )
    assert dangling == []


def test_a_clean_demo_has_the_variety_of_a_real_one(sample: Database) -> None:
    assert run(
        sample.url,
        """
        select
            (select count(distinct stage) from public.deals),
            (select count(distinct category) from public.deals),
            (select count(distinct type) from public.tasks),
            (select count(distinct status) from public.contacts),
            (select count(distinct gender) from public.contacts),
            (select bool_or(company_id is null) from public.contacts),
            (select bool_or(cardinality(contact_ids) > 1) from public.deals),
            (select bool_or(cardinality(attachments) > 1) from public."contactNotes"),
            (select bool_or(archived_at is not null) from public.deals),
            (select bool_or(last_name ~ '[^[:ascii:]]') from public.contacts),
            (select bool_or(done_date is null) and bool_or(done_date is not null) from public.tasks),
            (select count(*) from public.sales where administrator)
        """,
    ) == [(6, 5, 9, 4, 3, True, True, True, True, True, True, 1)]


def test_times_of_a_clean_demo_run_forwards(sample: Database) -> None:
    backwards = run(
        sample.url,
        """
        select 'contact', id from public.contacts where last_seen < first_seen
        union all
        select 'deal', id from public.deals where updated_at < created_at or archived_at < updated_at
        union all
        select 'task', id from public.tasks where done_date < due_date
        """,
    )
    assert backwards == []


def test_progress_is_told_table_by_table_up_to_the_last_row(empty: Database) -> None:
    events: list[Event] = []
    report = demo.fill(empty.url, contacts=20, emit=events.append)
    told = {event.name: (event.rows_done, event.rows_total) for event in events if event.kind == "progress"}
    assert told == {f"demo {table}": (count, count) for table, count in report.rows.items()}


# the dirt


def test_dirt_is_in_exactly_the_rows_that_are_written_down(empty: Database, tmp_path: Path) -> None:
    demo.fill(empty.url, contacts=300)
    clean = row_hashes(empty.url)
    demo.fill(empty.url, contacts=300, dirt=0.2, planted=tmp_path / "planted.json")
    dirty = row_hashes(empty.url)
    planted = json.loads((tmp_path / "planted.json").read_text())
    said: dict[str, list[str]] = {table: [] for table in TABLES}
    for kind, entry in planted.items():
        if not kind.endswith("sequence_behind"):
            said[entry["table"]] += [str(key) for key in entry["keys"]]
    changed = {table: {key for key in dirty[table] if clean[table].get(key) != dirty[table][key]} for table in TABLES}
    assert {table: sorted(keys) for table, keys in said.items()} == {t: sorted(keys) for t, keys in changed.items()}


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2, 1.0])
def test_dirt_comes_at_the_rate_that_was_asked_for(share: float) -> None:
    volumes = rows.volumes(100_000)
    chosen = defects.choose(volumes, share=share)
    touched = sum(len(defect.keys) for defect in chosen)
    assert touched / sum(volumes.values()) == pytest.approx(share, rel=0.1)  # rows that are copied stay clean


@pytest.mark.parametrize("share", [0.001, 0.3, 1.0])
def test_no_row_has_two_defects(share: float) -> None:
    touched = [
        (defect.table, key)
        for defect in defects.choose(rows.volumes(1_000), share=share)
        if not defect.kind.endswith("sequence_behind")
        for key in defect.keys
    ]
    assert len(touched) == len(set(touched))


def test_a_little_dirt_has_every_kind_once_where_the_tables_are_long_enough() -> None:
    chosen = defects.choose(rows.volumes(1_000), share=0.000_001)
    assert len(chosen) == sum(len(kinds) for kinds in KINDS.values()) + len(ZEROS) + 1
    assert {len(defect.keys) for defect in chosen if not defect.kind.endswith("sequence_behind")} == {1}


def test_the_file_says_the_same_for_the_same_dirt(empty: Database, tmp_path: Path) -> None:
    for name in ("one.json", "two.json"):
        demo.fill(empty.url, contacts=30, dirt=0.5, planted=tmp_path / name)
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


def test_a_clean_demo_writes_that_nothing_was_planted(empty: Database, tmp_path: Path) -> None:
    report = demo.fill(empty.url, contacts=5, planted=tmp_path / "planted.json")
    assert json.loads((tmp_path / "planted.json").read_text()) == report.planted == {}


def test_a_sequence_that_lags_offers_an_id_that_is_taken(empty: Database) -> None:
    demo.fill(empty.url, contacts=30, dirt=0.1)
    with pytest.raises(psycopg.errors.UniqueViolation, match="tasks_pkey"):
        run(empty.url, "insert into public.tasks (contact_id, due_date) values (1, now())")


# what a demo does not do


@pytest.mark.parametrize("contacts", [0, -1, 10_000_001])
def test_a_number_of_contacts_out_of_range_is_refused(empty: Database, contacts: int) -> None:
    with pytest.raises(UsageError, match="contacts cannot be made"):
        demo.fill(empty.url, contacts=contacts)


@pytest.mark.parametrize("dirt", [-0.1, 1.1, float("nan")])
def test_dirt_that_is_no_share_is_refused(empty: Database, dirt: float) -> None:
    with pytest.raises(UsageError, match="is no share"):
        demo.fill(empty.url, dirt=dirt)


def test_somebodys_crm_is_never_taken_for_a_demo(sample: Database) -> None:
    before = row_hashes(sample.url)
    with pytest.raises(Refused, match="which no demo made; nothing was touched"):
        demo.fill(sample.url, contacts=5)
    assert row_hashes(sample.url) == before


@pytest.mark.parametrize("statement", ["create table public.mine (id int)", "create schema migration_backup"])
def test_a_database_with_anything_of_its_own_is_left_alone(empty: Database, statement: str) -> None:
    run(empty.url, statement)
    with pytest.raises(Refused, match=r"mine|migration_backup"):
        demo.fill(empty.url, contacts=5)


def test_a_demo_goes_over_a_demo_that_was_migrated(empty: Database) -> None:
    demo.fill(empty.url, contacts=20)
    schema = catalogue(empty.url)
    run(
        empty.url,
        """
        create type public.opportunity_stage as enum ('lead', 'closed_won');
        alter table public.deals rename to opportunities;
        alter table public.opportunities add stage_now public.opportunity_stage;
        create view public.deals as select opportunities.id from public.opportunities;
        create function public.next_stage(public.opportunity_stage) returns public.opportunity_stage
            language sql return cast('closed_won' as public.opportunity_stage);
        create schema migration create table runs (id int);
        create schema migration_backup;
        create table migration_backup.deals_20260101 as select opportunities.id from public.opportunities;
        """,
    )
    demo.fill(empty.url, contacts=20)
    assert catalogue(empty.url) == schema
    assert run(empty.url, "select to_regclass('migration_backup.deals_20260101')") == [(None,)]


def test_a_table_elsewhere_that_leans_on_a_demo_keeps_the_demo(empty: Database) -> None:
    demo.fill(empty.url, contacts=20)
    before = row_hashes(empty.url)
    run(empty.url, "create schema mine create table visits (contact_id bigint references public.contacts)")
    with pytest.raises(Refused, match=r"visits_contact_id_fkey.*nothing was dropped"):
        demo.fill(empty.url, contacts=30)
    assert row_hashes(empty.url) == before


def test_a_schema_elsewhere_outlives_the_demo(empty: Database) -> None:
    demo.fill(empty.url, contacts=20)
    run(empty.url, "create schema mine create table visits (id bigint)")
    demo.fill(empty.url, contacts=20)
    assert run(empty.url, "select count(*) from mine.visits") == [(0,)]


def test_a_demo_that_is_partly_somebody_elses_is_refused(empty: Database) -> None:
    demo.fill(empty.url, contacts=20)
    run(empty.admin_url, "alter schema storage owner to postgres")
    with pytest.raises(Refused, match="nothing was dropped"):
        demo.fill(empty.url, contacts=20)


def test_a_role_that_does_not_own_the_database_is_refused(empty: Database) -> None:
    run(empty.admin_url, f'alter database "{empty.name}" owner to postgres')
    with pytest.raises(Refused, match="does not own database"):
        demo.fill(empty.url, contacts=5)


def test_a_demo_does_not_begin_while_a_migration_holds_the_lock(empty: Database) -> None:
    with (
        postgres.connect(empty.url) as running,
        postgres.migration_lock(running),
        pytest.raises(Refused, match="another run holds the lock"),
    ):
        demo.fill(empty.url, contacts=5)


# servers without Supabase's roles, and the embedded one


def plain_database(server: embedded.Server, *, attributes: str) -> str:
    """A database whose owner has these attributes, on a server that knows no role of Supabase."""
    with psycopg.connect(server.admin_url(), autocommit=True) as admin:
        admin.execute(f"create role plain login {attributes}".encode())
        admin.execute("create database plain owner plain")
    return server.url("plain", role="plain")


def policies(connection: Connection) -> int:
    row = connection.execute("select count(*) from pg_catalog.pg_policy").fetchone()
    assert row is not None
    return int(row[0])


def test_an_owner_who_may_make_no_roles_gets_a_demo_without_grants_and_is_told_the_statement(workspace: Path) -> None:
    url = plain_database(embedded.start(workspace), attributes="nocreaterole")
    events: list[Event] = []
    demo.fill(url, contacts=20, emit=events.append)
    (warning,) = [event.message for event in events if event.kind == "warning"]
    assert 'create role "anon" nologin; create role "authenticated" nologin;' in warning
    assert 'create role "service_role" nologin bypassrls;' in warning
    with postgres.connect(url) as connection:
        assert postgres.require_atomic_crm(connection).role == "plain"
        assert policies(connection) == 0


def test_an_owner_who_may_make_roles_makes_those_that_are_missing(workspace: Path) -> None:
    url = plain_database(embedded.start(workspace), attributes="createrole")
    events: list[Event] = []
    demo.fill(url, contacts=20, emit=events.append)
    (warning,) = [event.message for event in events if event.kind == "warning"]
    assert "alter role service_role bypassrls;" in warning
    with postgres.connect(url) as connection:
        assert policies(connection) == 32


def test_the_embedded_server_is_started_and_its_demo_made_anew_each_time(workspace: Path) -> None:
    settings = settings_module.load(workspace=workspace, database_url=None)
    for contacts in (10, 20):
        report = demo.create(settings, contacts=contacts, dirt=0.1)
        planted = json.loads((workspace / "demo" / "planted.json").read_text())
        assert report.planted == {kind: len(entry["keys"]) for kind, entry in planted.items()}
    with postgres.connect(embedded.start(workspace).url()) as connection:
        assert connection.execute("select count(*) from public.contacts where id > 0").fetchone() == (20,)


def test_data_of_ones_own_on_the_embedded_server_is_not_dropped(workspace: Path) -> None:
    server = embedded.start(workspace)
    demo.prepare(server)
    run(server.url(), "create table public.mine (id int)")
    with pytest.raises(Refused, match=r"public\.mine"):
        demo.prepare(server)
    assert run(server.url(), "select count(*) from public.mine") == [(0,)]


def test_with_a_database_set_nothing_embedded_is_started(empty: Database, tmp_path: Path) -> None:
    settings = settings_module.load(workspace=tmp_path, database_url=empty.url)
    assert demo.create(settings, contacts=5).database == empty.name
    assert not embedded.is_running(tmp_path)
