"""Pre-flight answers every question about server, role, session and machine, and keeps its hands off (B4)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from conftest import Database
from crm_migrate import catalog as catalogs
from crm_migrate import pooler, postgres, preflight, tools
from crm_migrate.preflight import Check, Preflight
from crm_migrate.settings import Criteria, Settings
from crm_migrate.settings import load as load_settings

Connection = psycopg.Connection[Any]

CREATES = catalogs.created(catalogs.load())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(workspace=tmp_path / "not made yet" / "workspace")


@pytest.fixture
def admin(database: Database) -> Iterator[Connection]:
    with postgres.connect(database.admin_url, autocommit=True) as connection:
        yield connection


def ask(url: str, settings: Settings, check: str) -> Check:
    with postgres.connect(url, autocommit=True) as connection:
        found = preflight.run(connection, settings=settings, creates=CREATES)
    return next(answer for answer in found.checks if answer.check == check)


def test_an_owner_of_a_fresh_crm_may_start(database: Database, settings: Settings) -> None:
    with postgres.connect(database.url, autocommit=True) as connection:
        found = preflight.run(connection, settings=settings, creates=CREATES)
    assert found.ok
    assert not [check for check in found.checks if check.warning]
    assert found.database_bytes > 1_000_000
    assert found.free_bytes > 0


def test_a_superuser_may_start_as_well(database: Database, settings: Settings) -> None:
    with postgres.connect(database.admin_url, autocommit=True) as connection:
        assert preflight.run(connection, settings=settings, creates=CREATES).failed == ()


def test_rows_that_break_a_constraint_which_was_never_validated_are_counted(
    sample: Database, settings: Settings
) -> None:
    with postgres.connect(sample.url) as connection:
        connection.execute("alter table public.contacts add constraint odd check (id % 100 <> 7) not valid")
        connection.execute("alter table public.deals add constraint even check (id > 0) not valid")
        connection.execute("alter table public.tags add constraint never check (false) not valid")  # not written to
    answer = ask(sample.url, settings, "constraints")
    assert (answer.ok, answer.detail) == (False, "rows of contacts that break odd: 3")
    with postgres.connect(sample.url) as connection:
        connection.execute("alter table public.contacts drop constraint odd")
    assert ask(sample.url, settings, "constraints").ok


def test_a_trigger_or_a_rule_that_would_stay_behind_on_an_old_summary_is_named(
    sample: Database, settings: Settings
) -> None:
    assert ask(sample.url, settings, "summaries").ok
    with postgres.connect(sample.url) as connection:
        connection.execute(
            """
            create function public.turned() returns trigger language plpgsql as 'begin return new; end';
            create trigger turned instead of insert on public.contacts_summary for each row execute function turned();
            create rule "Never" as on delete to public.companies_summary do instead nothing;
            """
        )
    answer = ask(sample.url, settings, "summaries")
    assert not answer.ok
    assert answer.detail.endswith('rule "Never" on companies_summary, trigger turned on contacts_summary')
    assert "drop it" in answer.hint
    with postgres.connect(sample.url) as connection:
        connection.execute(
            'drop trigger turned on public.contacts_summary; drop rule "Never" on public.companies_summary'
        )
    assert ask(sample.url, settings, "summaries").ok


def test_each_check_has_one_name_and_a_failed_one_a_hint(database: Database, settings: Settings) -> None:
    with postgres.connect(database.url, autocommit=True) as connection:
        connection.execute("set role authenticated")
        found = preflight.run(connection, settings=settings, creates=CREATES)
    names = [check.check for check in found.checks]
    assert len(names) == len(set(names))
    assert found.failed
    assert all(check.hint for check in found.failed)


def test_a_role_that_does_not_own_the_tables_is_told_which(
    database: Database, admin: Connection, settings: Settings
) -> None:
    admin.execute("alter table public.deals owner to postgres")
    answer = ask(database.url, settings, "owner")
    assert not answer.ok
    assert "deals (postgres)" in answer.detail


def test_a_role_that_does_not_see_every_row_is_told_where(
    database: Database, admin: Connection, settings: Settings
) -> None:
    admin.execute("alter table public.contacts force row level security")
    answer = ask(database.url, settings, "rows")
    assert (answer.ok, "contacts" in answer.detail) == (False, True)


def test_a_superuser_is_told_what_the_owner_of_the_tables_does_not_see(
    database: Database, admin: Connection, settings: Settings
) -> None:
    admin.execute("alter table public.tasks force row level security")
    [owner] = admin.execute("select relowner::regrole::text from pg_class where relname = 'tasks'").fetchone() or ("",)
    answer = ask(database.admin_url, settings, "rows")
    assert (answer.ok, answer.detail) == (False, f"role {owner} does not see every row of tasks")
    assert "BYPASSRLS" in answer.hint


def test_what_the_dump_could_not_read_is_named_before_the_night(
    database: Database, admin: Connection, settings: Settings
) -> None:
    admin.execute("create materialized view public.doubled as select id * 2 as id from public.deals")
    admin.execute("create sequence public.numbers")
    answer = ask(database.url, settings, "rows")
    assert not answer.ok
    assert "doubled (postgres), numbers (postgres)" in answer.detail
    assert "SELECT" in answer.hint


def test_an_owner_who_may_not_create_schemas_is_told(database: Database, admin: Connection, settings: Settings) -> None:
    admin.execute(f'alter database "{database.name}" owner to postgres'.encode())
    answer = ask(database.url, settings, "create")
    assert not answer.ok
    assert database.name in answer.hint


def test_the_run_that_holds_the_lock_is_named_and_our_own_is_fine(database: Database, settings: Settings) -> None:
    with (
        postgres.connect(database.url, autocommit=True, purpose="execute") as holder,
        postgres.migration_lock(holder),
    ):
        answer = ask(database.url, settings, "lock")
        assert not answer.ok
        assert "crm-migrate execute" in answer.detail
        own = preflight.run(holder, settings=settings, creates=CREATES)
        assert [check.ok for check in own.checks if check.check == "lock"] == [True]


def test_a_read_only_database_is_not_fit(database: Database, admin: Connection, settings: Settings) -> None:
    admin.execute(f'alter database "{database.name}" set default_transaction_read_only = on'.encode())
    assert not ask(database.url, settings, "writable").ok


def test_a_direct_session_keeps_its_backend(database: Database, settings: Settings) -> None:
    assert ask(database.url, settings, "session").ok


@pytest.mark.parametrize(
    ("first", "other", "later", "pooled"),
    [(1, 2, [1, 1], False), (1, 1, [1, 1], True), (1, 1, [2, 2], True), (1, 2, [1, 2], True), (1, 2, [3, 1], True)],
)
def test_sessions_that_share_backends_are_pooled(first: int, other: int, later: list[int], pooled: bool) -> None:
    assert pooler.are_shared(first, other, later) is pooled


def test_a_server_without_fitting_programs_cannot_be_backed_up(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "_candidates", lambda name: iter(()))
    answer = ask(database.url, settings, "backup")
    assert not answer.ok
    assert "no pg_dump and no pg_restore" in answer.detail


def test_a_transaction_left_prepared_is_named(admin: Connection, database: Database, settings: Settings) -> None:
    assert admin.execute("show max_prepared_transactions").fetchone() != ("0",), "start it with some, for this test"
    with psycopg.connect(database.admin_url) as other:
        other.tpc_begin("left")
        other.execute("select 1")
        other.tpc_prepare()
        try:
            assert not ask(database.url, settings, "prepared transactions").ok
        finally:
            other.tpc_rollback()


def test_long_transactions_are_a_warning(database: Database, admin: Connection, tmp_path: Path) -> None:
    settings = load_settings(workspace=tmp_path, criteria=Criteria(transaction_minutes=0))
    with psycopg.connect(database.url) as other:
        other.execute("select 1")
        answer = ask(database.url, settings, "long transactions")
        assert f"session {other.info.backend_pid}" in answer.detail
    assert answer.ok
    assert answer.warning


def test_a_grant_that_could_not_be_given_back_is_named(
    database: Database, admin: Connection, settings: Settings
) -> None:
    admin.execute(
        "create role outsider_of_preflight; grant update on public.tags to outsider_of_preflight with grant option"
    )
    try:
        admin.execute("set role outsider_of_preflight; grant update on public.tags to anon; reset role")
        admin.execute(
            """
            set role crm_owner;
            create schema elsewhere;
            create view elsewhere.labels as select name from public.tags;
            grant usage on schema elsewhere to outsider_of_preflight;
            grant update (name) on elsewhere.labels to outsider_of_preflight with grant option;
            set role outsider_of_preflight;
            grant update (name) on elsewhere.labels to anon;
            reset role;
            """
        )
        answer = ask(database.url, settings, "grants")
        assert not answer.ok
        assert "tags by outsider_of_preflight" in answer.detail
        assert "elsewhere.labels by outsider_of_preflight" in answer.detail
    finally:
        admin.execute("drop owned by outsider_of_preflight cascade; drop role outsider_of_preflight")


def test_too_little_disk_says_how_much_is_needed(database: Database, tmp_path: Path) -> None:
    answer = ask(database.url, load_settings(workspace=tmp_path, criteria=Criteria(disk_factor=10**9)), "disk")
    assert not answer.ok
    assert "GB needed" in answer.detail


def test_asking_changes_nothing_and_leaves_no_session(
    database: Database, admin: Connection, settings: Settings
) -> None:
    def state() -> Any:
        return admin.execute(
            "select (select count(*) from pg_class), (select count(*) from pg_stat_activity where datname = %s)",
            [database.name],
        ).fetchone()

    before = state()
    with postgres.connect(database.url, autocommit=True) as connection:
        preflight.run(connection, settings=settings, creates=CREATES)
    admin.execute("select pg_stat_clear_snapshot()")
    assert state()[0] == before[0]


def test_a_pre_flight_is_ok_only_if_every_check_is() -> None:
    fine, warned, failed = Check("a", True, ""), Check("b", True, "", "look"), Check("c", False, "", "mend")
    assert Preflight((fine, warned), 0, 0).ok
    assert not Preflight((fine, failed), 0, 0).ok
    assert Preflight((fine, failed), 0, 0).failed == (failed,)
    assert (fine.warning, warned.warning, failed.warning) == (False, True, False)


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("create table public.products (id bigint)", "relation products"),
        ("create view public.opportunities as select 1 as one", "relation opportunities"),
        ("alter table public.contacts add column department text", "column contacts.department"),
        ("alter table public.deals add column legacy_stage text", "column deals.legacy_stage"),
        ("create type public.contact_role as enum ('x')", "type contact_role"),
        ("create index products_living_sku_key on public.tags (name)", "relation products_living_sku_key"),
        (
            "alter table public.companies add column roles text check (roles <> '')",
            "constraint companies.companies_roles_check",
        ),
        ("create index products_pkey on public.tags (name)", "relation products_pkey"),
        (
            "create index deals_x on public.deals (id); create index opportunities_x on public.deals (id)",
            "index opportunities_x (deals_x is to become that)",
        ),
        ("create sequence public.opportunities_id_seq", "sequence opportunities_id_seq (deals_id_seq"),
        ("create view public.opportunities_pkey as select 1", "constraint opportunities_pkey (deals_pkey"),
        ("create index deals_search_tsv_idx on public.deals (name)", "index opportunities_search_tsv_idx (deals_"),
        (
            "alter table public.deals add constraint opportunities_company_id_fkey check (true)",
            "constraint opportunities_company_id_fkey (deals_company_id_fkey",
        ),
        (
            "alter table public.deals add constraint deals_probability_check check (true)",
            "constraint opportunities_probability_check (deals_",
        ),
        ("create table public.migration_history (x text)", "relation migration_history"),
        ("create schema migration create table runs (x text)", "schema migration"),
    ],
)
def test_a_name_that_the_plan_needs_and_a_customer_has_is_found_beforehand(
    statement: str, named: str, database: Database, settings: Settings
) -> None:
    assert ask(database.url, settings, "names").ok
    with postgres.connect(database.url) as owner:
        owner.execute(statement.encode())
    answer = ask(database.url, settings, "names")
    assert not answer.ok
    assert named in answer.detail


def test_a_slot_that_nobody_reads_is_pointed_out(database: Database, admin: Connection, settings: Settings) -> None:
    admin.execute("select pg_create_physical_replication_slot('left_behind', true)")
    try:
        answer = ask(database.url, settings, "replication slots")
        assert answer.warning
        assert "left_behind, which nobody reads, holds back" in answer.detail
    finally:
        admin.execute("select pg_drop_replication_slot('left_behind')")
    assert not ask(database.url, settings, "replication slots").warning


def test_a_publication_of_a_table_that_gets_another_name_is_pointed_out(
    database: Database, admin: Connection, settings: Settings
) -> None:
    admin.execute("create publication of_tags for table public.tags")
    assert not ask(database.url, settings, "publications").warning
    admin.execute('create publication of_deals for table public.deals, public."dealNotes"')
    answer = ask(database.url, settings, "publications")
    assert answer.warning
    assert answer.detail == "publication of_deals lists dealNotes and deals"


def test_another_run_that_has_changed_the_database_stands_in_the_way(
    migrated: tuple[Settings, Database], settings: Settings
) -> None:
    _settings, migrated_database = migrated
    answer = ask(migrated_database.url, settings, "other runs")
    assert not answer.ok
    assert "has migrated this database" in answer.detail


def test_the_server_s_disk_is_measured_where_it_says_where_it_is(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    assert ask(database.url, settings, "server disk").ok
    greedy = load_settings(workspace=tmp_path, database_url=database.admin_url, criteria=Criteria(disk_factor=10**9))
    assert not ask(database.admin_url, greedy, "server disk").ok
    hidden = load_settings(workspace=tmp_path, database_url=database.url, criteria=Criteria(disk_factor=10**9))
    answer = ask(database.url, hidden, "server disk")
    assert answer.ok
    assert "not to be seen from here" in answer.detail


def test_a_session_that_somebody_ends_is_not_taken_for_a_full_server(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = postgres.backend_pid

    def ended(connection: postgres.Connection) -> int:
        with psycopg.connect(database.admin_url, autocommit=True) as admin:
            admin.execute("select pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])
        return asked(connection)

    monkeypatch.setattr(postgres, "backend_pid", ended)
    with postgres.connect(database.url, autocommit=True) as connection, pytest.raises(psycopg.OperationalError):
        preflight.run(connection, settings=settings, creates=CREATES)
