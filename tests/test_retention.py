"""What a migration has left goes by command and with confirmation only: by its age, and where nobody needs it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import refused
from clients import acting
from conftest import Database
from crm_migrate import backup, cli, compatibility, demo, files, plan, postgres, readmit, rejects, workflow
from crm_migrate.catalog import Catalog
from crm_migrate.errors import MigrationError, Refused
from crm_migrate.events import Event
from crm_migrate.retention import Leftovers
from crm_migrate.settings import Settings
from crm_migrate.steps import Context
from nights import approved, settings_for, state
from other_server import OtherServer, scratch_database15
from test_archive import rows, written
from test_usage import counted, read

Migrated = tuple[Settings, Database]


@pytest.fixture
def context(database: Database, catalog: Catalog, tmp_path: Path) -> Iterator[Context]:
    """A CRM in which every load has ten driving rows; nothing of the plan is applied."""
    with postgres.connect(database.url, autocommit=True) as connection:
        yield refused.context(connection, catalog, tmp_path / "inputs")


def age(database: Database, days: int) -> None:
    """Let the run have been so many days ago, and everything that it left, by the server's clock."""
    with postgres.connect(database.url) as owner:
        for column in (
            "migration.backups.made_at",
            "migration.runs.started_at",
            "migration.runs.finished_at",
            "migration.use_counters.counted_since",
            "migration.use_counters.used_at",
            "migration.usage.last_at",
            "migration_archive.rows.archived_at",
        ):
            table, _, name = column.rpartition(".")
            owner.execute(f"update {table} set {name} = {name} - make_interval(days => %s)".encode(), [days])


def copies(database: Database) -> int:
    with postgres.connect(database.url) as connection:
        return len(backup.copies(connection))


def why(found: Leftovers, what: str) -> str:
    """Why something stays."""
    return "; ".join(entry.why for entry in found.waiting if entry.what.startswith(what))


def watched(migrated: Migrated, days: int) -> None:
    """Let the use of the old names be noted, and so many days go by; a database that was copied counts anew."""
    settings, database = migrated
    workflow.observe(settings=settings)
    age(database, days)


def gone(migrated: Migrated) -> Leftovers:
    """Take the old names away, a month later."""
    settings, database = migrated
    watched(migrated, 31)
    return workflow.cleanup(confirm=database.name, compatibility=True, settings=settings)


def test_young_copies_stay_whatever_is_confirmed(migrated: Migrated) -> None:
    settings, database = migrated
    age(database, 89)
    found = workflow.cleanup(confirm=database.name, settings=settings)
    assert (found.copies, copies(database)) == ((), 4)
    assert why(found, "migration_backup") == "; ".join(["original data is kept for 90 days"] * 4)


def test_old_copies_are_listed_first_and_removed_with_confirmation(migrated: Migrated) -> None:
    settings, database = migrated
    age(database, 91)
    listed = workflow.cleanup(settings=settings)
    assert (len(listed.copies), listed.removed, copies(database)) == (4, False, 4)
    removed = workflow.cleanup(confirm=database.name, settings=settings)
    assert (removed.copies, removed.removed, copies(database)) == (listed.copies, True, 0)
    assert workflow.cleanup(confirm=database.name, settings=settings).copies == ()


def test_with_the_last_copy_the_status_line_goes_and_no_later_command_misses_it(migrated: Migrated) -> None:
    settings, database = migrated
    age(database, 91)
    workflow.cleanup(confirm=database.name, settings=settings)
    assert rows(database, "select to_regclass('public.migration_status')") == [(None,)]
    assert not workflow.window(settings=settings).closed
    assert "the copies in migration_backup are gone" in " ".join(workflow.outlook(settings=settings).missing)
    taken = workflow.revert(confirm=database.name, override="asked for by a test", settings=settings)
    assert taken.status == "rolled_back"


def test_another_databases_name_removes_nothing(migrated: Migrated) -> None:
    settings, database = migrated
    age(database, 91)
    with pytest.raises(Refused):
        workflow.cleanup(confirm="production", settings=settings)
    assert copies(database) == 4


def test_nothing_of_a_run_that_has_not_ended_goes_nor_beside_a_runner(migrated: Migrated) -> None:
    settings, database = migrated
    age(database, 91)
    with postgres.connect(database.url, autocommit=True) as owner:
        owner.execute("update migration.runs set status = 'stopped'")
        found = workflow.cleanup(confirm=database.name, settings=settings)
        assert (found.copies, found.state, copies(database)) == ((), False, 4)
        assert "has not come to its end" in why(found, "migration_backup")
        with postgres.migration_lock(owner), pytest.raises(Refused, match="another run holds the lock"):
            workflow.cleanup(confirm=database.name, settings=settings)


def test_dumps_of_this_databases_old_runs_go_and_no_others(migrated: Migrated) -> None:
    settings, database = migrated
    ours = settings.workspace / "dumps" / workflow.run_folder("latest", settings).name / "crm.dump"
    strange = settings.workspace / "dumps" / "another-run" / "crm.dump"
    for file in (ours, strange):
        file.parent.mkdir(parents=True)
        file.write_text("x")
    assert workflow.cleanup(confirm=database.name, settings=settings).dumps == ()
    age(database, 91)
    found = workflow.cleanup(confirm=database.name, settings=settings)
    assert found.dumps == (str(ours),)
    assert (ours.exists(), strange.exists()) == (False, True)
    assert "not known in this database" in why(found, str(strange))


def test_what_killed_processes_left_is_listed_and_removed(sample: Database, tmp_path: Path) -> None:
    settings = Settings(database_url=sample.url, workspace=tmp_path)  # type: ignore[arg-type]
    left = tmp_path / "scratch" / "assess-dead"
    left.mkdir(parents=True)
    with files.scratch_folder(tmp_path / "scratch", "simulate") as used:
        assert workflow.cleanup(settings=settings).scratch == (str(left),)
        assert workflow.cleanup(confirm=sample.name, settings=settings).scratch == (str(left),)
        assert (left.exists(), used.exists()) == (False, True)


def test_the_old_names_stay_for_a_month_and_then_until_somebody_says_so(migrated: Migrated) -> None:
    settings, database = migrated
    with pytest.raises(Refused, match="old clients have 30 days to follow"):
        workflow.cleanup(confirm=database.name, compatibility=True, settings=settings)
    age(database, 31)
    found = workflow.cleanup(confirm=database.name, settings=settings)
    assert (found.compatibility, why(found, "old names")) == (
        (),
        "nobody has used them for 7 days; with --compatibility they go",
    )
    assert rows(database, "select count(*) > 0 from public.deals") == [(True,)]


def test_old_names_in_use_are_refused_with_who_uses_them(migrated: Migrated) -> None:
    settings, database = migrated
    age(database, 31)
    read(database.admin_url, "authenticated", *["select from public.deals limit 1"] * 3)
    with pytest.raises(Refused, match="in use: deals by authenticated, 3 statements, last") as refused:
        workflow.cleanup(confirm=database.name, compatibility=True, settings=settings)
    assert refused.value.exit_code == 4
    assert rows(database, "select count(*) > 0 from public.deals") == [(True,)]
    age(database, 8)
    found = workflow.cleanup(confirm=database.name, compatibility=True, settings=settings)
    assert found.compatibility == ("deals", "dealNotes")


def test_old_names_whose_use_was_not_counted_for_long_enough_stay(migrated: Migrated) -> None:
    settings, database = migrated
    age(database, 31)
    with postgres.connect(database.admin_url) as admin:
        admin.execute("select pg_stat_reset()")
    with pytest.raises(Refused, match="has not been counted for 7 days yet"):
        workflow.cleanup(confirm=database.name, compatibility=True, settings=settings)


def test_state_of_an_earlier_version_is_listed_and_its_old_names_stay(migrated: Migrated) -> None:
    settings, database = migrated
    age(database, 31)
    with postgres.connect(database.url) as owner:
        for view in ("deals", '"dealNotes"'):
            definition = owner.execute("select pg_get_viewdef(%s::regclass)", [f"public.{view}"]).fetchone()
            assert definition is not None
            uncounted = definition[0].partition("WHERE")[0]
            owner.execute(f"create or replace view public.{view} as {uncounted}".encode())
        for table in ("usage", "use_counters", "uses_of_deals", '"uses_of_dealNotes"'):
            owner.execute(f"drop table migration.{table}".encode())
    found = workflow.cleanup(settings=settings)
    assert "has not been counted for 7 days yet" in why(found, "old names")
    assert rows(database, "select to_regclass('migration.use_counters')") == [(None,)]


def test_what_a_customer_built_on_an_old_name_is_named_and_functions_are_told_of(migrated: Migrated) -> None:
    settings, database = migrated
    watched(migrated, 31)
    with postgres.connect(database.url) as owner:
        owner.execute("create view public.big_deals as select id, name from public.deals where amount > 1000")
        owner.execute(
            "create function public.count_deals() returns bigint language sql as 'select count(*) from deals'"
        )
    with pytest.raises(Refused, match=r"view big_deals"):
        workflow.cleanup(confirm=database.name, compatibility=True, settings=settings)
    with postgres.connect(database.url) as owner:
        owner.execute("drop view public.big_deals")
    found = workflow.cleanup(confirm=database.name, compatibility=True, settings=settings)
    assert (found.compatibility, found.functions) == (("deals", "dealNotes"), ("count_deals()",))


def test_without_the_old_names_new_clients_work_and_old_ones_are_told(migrated: Migrated) -> None:
    settings, database = migrated
    assert gone(migrated).compatibility == ("deals", "dealNotes")
    assert workflow.cleanup(settings=settings).usage is None
    with acting(database.admin_url) as user:
        with pytest.raises(Exception, match=r'relation "public.deals" does not exist'):
            user.rows("select id from public.deals")
        user.do("insert into public.opportunities (name, legacy_stage) values ('New', 'won')")
        assert user.one("select stage from public.opportunities where name = 'New'") == "closed_won"
    assert workflow.old_names(settings=settings).startswith("The old names deals and dealNotes were taken away on 20")
    with pytest.raises(Refused, match="is migrated already"):
        workflow.snapshot("new", settings=settings)


def test_verification_holds_without_the_old_names(migrated: Migrated) -> None:
    settings, _database = migrated
    gone(migrated)
    found = workflow.verify(settings=settings)
    assert found.ok, [result for result in found.checks if not result.ok]


def test_the_way_back_says_that_the_old_names_are_gone_and_puts_them_back(migrated: Migrated) -> None:
    settings, database = migrated
    before = state(database.url)
    gone(migrated)
    ahead = workflow.outlook(settings=settings)
    assert ahead.missing[0].startswith("the old names deals and dealNotes were taken away")
    with postgres.connect(database.url) as owner:
        owner.execute("create table public.deals (id bigint)")
    with pytest.raises(Refused, match="something else is called deals by now"):
        workflow.revert(confirm=database.name, override="asked for by a test", settings=settings)
    with postgres.connect(database.url) as owner:
        owner.execute("drop table public.deals")
    workflow.revert(confirm=database.name, override="asked for by a test", settings=settings)
    after = state(database.url)
    assert "table deals" not in before.objects or after.objects != before.objects
    assert len(after.rows["deals"]) == len(before.rows["opportunities"])
    assert rows(database, "select relkind::text from pg_class where oid = 'public.deals'::regclass") == [("r",)]


def test_without_its_dump_a_restore_is_refused_before_anything_happens(migrated: Migrated) -> None:
    settings, database = migrated
    with postgres.connect(database.url) as owner:
        owner.execute("update migration.runs set facts = facts || jsonb_build_object('dump', '/gone/crm.dump')")
    assert "the dump is gone" in " ".join(workflow.outlook(restore=True, settings=settings).missing)
    with pytest.raises(MigrationError, match="is no finished dump"):
        workflow.revert(confirm=database.name, restore=True, settings=settings)
    assert rows(database, "select status, stage from migration.runs") == [("completed", "done")]


def test_a_call_that_is_killed_midway_goes_on(migrated: Migrated) -> None:
    settings, database = migrated
    age(database, 91)

    def dies(event: Event, /) -> None:
        if event.message.startswith("migration_backup.contacts"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workflow.cleanup(confirm=database.name, settings=settings, emit=dies)
    left = copies(database)
    assert 0 < left < 4
    assert len(workflow.cleanup(confirm=database.name, settings=settings).copies) == left


def test_rejects_are_taken_in_without_the_old_names_too(context: Context) -> None:
    load, connection = "load:activities_from_deal_notes", context.connection
    planted, mended, expected = refused.plant(refused.loads(context.catalog)[load])
    refused.apply(context, load=load, planted=planted)
    with connection.transaction():
        compatibility.retire(connection)
    connection.execute(mended.encode())
    done = readmit.take_in(context, plan.build(context.catalog), up_to=rejects.last(connection, "test"))
    assert done.taken == len(expected)


def test_on_postgresql_15_the_old_names_are_counted_go_and_are_no_hindrance_to_a_restore(
    supabase15: OtherServer, tmp_path: Path
) -> None:
    with scratch_database15(supabase15) as database:
        demo.fill(database.url, contacts=50, seed=7)
        settings = settings_for(database, tmp_path)
        approved(settings)
        workflow.execute(confirm=database.name, settings=settings)
        read(database.admin_url, "authenticated", "select from public.deals limit 1", read_only=True)
        assert counted(workflow.observe(settings=settings)) == {("deals", "authenticated"): 1}
        age(database, 31)
        found = workflow.cleanup(confirm=database.name, compatibility=True, settings=settings)
        assert found.compatibility == ("deals", "dealNotes")
        assert workflow.verify(settings=settings).ok
        workflow.revert(confirm=database.name, restore=True, override="asked for by a test", settings=settings)
        where = "select to_regclass('migration.deals'), (select count(*) > 0 from public.deals)"
        assert rows(database, where) == [(None, True)]


def test_users_rows_in_the_archive_go_only_when_somebody_says_so_plainly(
    migrated: Migrated, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, database = migrated
    written(database)
    workflow.revert(confirm=database.name, settings=settings)
    number = rows(database, "select count(*) from migration_archive.rows")[0][0]
    with pytest.raises(Refused, match="rows that users wrote are kept for 90 days"):
        workflow.cleanup(confirm=database.name, archive=True, settings=settings)
    age(database, 91)
    found = workflow.cleanup(confirm=database.name, settings=settings)
    assert (found.archived, "exist nowhere else" in why(found, "migration_archive")) == (0, True)
    assert workflow.cleanup(confirm=database.name, settings=settings).state is False
    assert settings.database_url is not None
    monkeypatch.setenv("CRM_MIGRATE_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("CRM_MIGRATE_WORKSPACE", str(settings.workspace))
    monkeypatch.setenv("CRM_MIGRATE_REPORTS", str(settings.reports))
    assert CliRunner().invoke(cli.app, ["cleanup", "--archive"]).exit_code == 2
    done = CliRunner().invoke(cli.app, ["cleanup", "--confirm", database.name, "--archive", "--json"])
    assert (done.exit_code, json.loads(done.stdout)["archived"]) == (0, number)
    assert "exist nowhere else" in done.stderr
    assert rows(database, "select count(*) from migration_archive.rows") == [(0,)]
    last = workflow.cleanup(confirm=database.name, settings=settings)
    assert last.state
    assert rows(database, "select to_regnamespace('migration'), to_regnamespace('migration_backup')") == [(None, None)]


def test_the_state_goes_last_and_what_it_leaves_is_a_crm_that_works(migrated: Migrated) -> None:
    settings, database = migrated
    watched(migrated, 91)
    first = workflow.cleanup(confirm=database.name, compatibility=True, settings=settings)
    assert (len(first.copies), first.compatibility, first.state) == (4, ("deals", "dealNotes"), False)
    assert workflow.cleanup(settings=settings).state
    assert workflow.cleanup(confirm=database.name, settings=settings).state
    left = rows(
        database, "select relname::text from pg_class where relnamespace = 'migration'::regnamespace order by 1"
    )
    assert [name for (name,) in left] == ["companies_summary", "contacts_summary"]
    with acting(database.admin_url) as user:
        assert user.one("select count(*) > 0 from public.contacts_summary")
        user.do("insert into public.opportunities (name, stage) values ('New', 'proposal')")
        assert user.one("select legacy_stage from public.opportunities where name = 'New'") == "proposal-sent"
    assert workflow.cleanup(confirm=database.name, settings=settings).waiting == ()
