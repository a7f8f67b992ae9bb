"""The way back with users' work on the new system: said beforehand, within its time, and nothing of it lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from clients import acting
from conftest import Database
from crm_migrate import catalog, cli, execute, postgres, workflow
from crm_migrate.errors import AnswerIsNo, Refused, StaleInput, StepFailed, Stopped, Undone
from crm_migrate.events import Event
from crm_migrate.settings import Settings
from crm_migrate.wayback import Outlook, standing
from nights import state
from test_archive import rows, written

Migrated = tuple[Settings, Database]


def ended(database: Database, hours: int) -> None:
    """Let the run have come to its end so many hours ago."""
    with postgres.connect(database.url) as owner:
        owner.execute("update migration.runs set finished_at = clock_timestamp() - make_interval(hours => %s)", [hours])


def test_47_hours_after_its_end_a_run_can_be_taken_back(migrated: Migrated) -> None:
    settings, database = migrated
    ended(database, 47)
    assert workflow.revert(confirm=database.name, settings=settings).status == "rolled_back"


@pytest.mark.parametrize("restore", [False, True])
def test_49_hours_after_its_end_it_is_refused(migrated: Migrated, restore: bool) -> None:
    settings, database = migrated
    ended(database, 49)
    with pytest.raises(Refused, match=r"ended 49\.0 hours ago; the way back is open for 48 hours") as refused:
        workflow.revert(confirm=database.name, restore=restore, settings=settings)
    assert refused.value.exit_code == 4
    assert rows(database, "select status from migration.runs") == [("completed",)]


def test_an_override_is_recorded_with_its_reason(migrated: Migrated) -> None:
    settings, database = migrated
    ended(database, 49)
    taken = workflow.revert(confirm=database.name, override="the auditors want it", settings=settings)
    saved = execute.load(workflow.run_folder("latest", settings))
    assert (taken.status, saved.status) == ("rolled_back", "rolled_back")
    said = "ended 49.0 hours ago; the way back is open for 48 hours; overridden: the auditors want it"
    assert saved.override is not None
    assert saved.override.endswith(said)
    assert rows(database, "select message from migration.events where name = 'override'") == [(saved.override,)]


def test_whoever_is_asked_and_does_not_agree_changes_nothing(migrated: Migrated) -> None:
    settings, database = migrated
    before = state(database.url)
    with pytest.raises(Refused, match="as was answered"):
        workflow.revert(confirm=database.name, agree=lambda outlook: False, settings=settings)
    assert state(database.url) == before
    assert rows(database, "select status, stage from migration.runs") == [("completed", "done")]


def test_what_will_be_kept_and_archived_is_said_in_numbers_and_then_done(migrated: Migrated) -> None:
    settings, database = migrated
    written(database)
    before = state(database.url)
    ahead = workflow.outlook(settings=settings)
    assert state(database.url) == before
    assert ahead.is_open
    assert ahead.stays == {
        "companies": {"INSERT": 2},
        "contacts": {"INSERT": 1, "UPDATE": 1},
        "opportunities": {"INSERT": 1, "UPDATE": 2},
    }
    assert ahead.reappearing == {"opportunities": 1}
    assert ahead.archived["activities"] == {"DELETE": 1, "INSERT": 1, "UPDATE": 1}
    assert ahead.archived["contact_organizations"] == {"INSERT": 1, "UPDATE": 1}
    workflow.revert(confirm=database.name, settings=settings)
    found = rows(
        database,
        """
        select relation, operation, count(*) from migration_archive.rows where operation <> 'REFERENCE' group by 1, 2
        """,
    )
    assert {(relation, operation): count for relation, operation, count in found} == {
        (relation, operation): count
        for relation, counted in ahead.archived.items()
        for operation, count in counted.items()
    }


def test_users_work_stays_as_the_old_system_knows_it(migrated: Migrated) -> None:
    settings, database = migrated
    ids = written(database)
    workflow.revert(confirm=database.name, settings=settings)
    with acting(database.admin_url) as user:
        assert user.one("select name, stage from public.deals where id = %s", ids["deal"]) == ("Nurtured", "delayed")
        assert user.one("select stage from public.deals where id = %s", ids["edited"]) == "opportunity"
        assert user.one("select count(*) from public.deals where id = %s", ids["hidden"]) == 1
        assert user.one("select name from public.companies where id = %s", ids["maker"]) == "Maker of the archive"


def test_what_a_restore_would_lose_is_said_in_numbers(migrated: Migrated) -> None:
    settings, database = migrated
    written(database)
    ahead = workflow.outlook(restore=True, settings=settings)
    assert (ahead.stays, ahead.archived) == ({}, {})
    assert ahead.lost["products"] == {"INSERT": 1}
    assert ahead.lost["contacts"] == {"INSERT": 1, "UPDATE": 1}


def test_the_command_tells_scripts_and_people_what_would_happen(
    migrated: Migrated, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, database = migrated
    assert settings.database_url is not None
    monkeypatch.setenv("CRM_MIGRATE_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("CRM_MIGRATE_WORKSPACE", str(settings.workspace))
    monkeypatch.setenv("CRM_MIGRATE_REPORTS", str(settings.reports))
    written(database)
    asked = CliRunner().invoke(cli.app, ["rollback", "--dry-run", "--json"])
    assert asked.exit_code == 0
    assert json.loads(asked.stdout)["stays"]["companies"] == {"INSERT": 2}
    told = CliRunner().invoke(cli.app, ["rollback", "--dry-run"])
    assert "archived in migration_archive" in told.stdout
    assert CliRunner().invoke(cli.app, ["rollback", "--override-window"]).exit_code == 2
    assert rows(database, "select status from migration.runs") == [("completed",)]


@pytest.mark.parametrize(
    ("forgery", "said"),
    [
        ("update migration.backups set fingerprint = 1 where table_name = 'contacts'", "the rows of contacts are not"),
        ("update migration.backups set row_count = 0 where table_name = 'deals'", "the rows of deals are not"),
    ],
)
def test_a_restore_whose_rows_are_not_those_of_then_is_undone(
    sample: Database, decided: Settings, forgery: str, said: str
) -> None:
    workflow.execute(confirm=sample.name, settings=decided)
    with postgres.connect(sample.url) as owner:
        owner.execute(forgery.encode())
    before = state(sample.url).rows
    with pytest.raises(Undone, match=said):
        workflow.revert(confirm=sample.name, restore=True, settings=decided)
    assert state(sample.url).rows == before


def test_after_a_restore_that_was_refused_the_run_is_completed_still_and_users_write(
    sample: Database, decided: Settings
) -> None:
    workflow.execute(confirm=sample.name, settings=decided)
    with postgres.connect(sample.admin_url) as admin:
        admin.execute("create schema reporting")
        admin.execute("create view reporting.stages as select id, stage from public.opportunities")
    query = "select status, stage, finished_at, facts from migration.runs"
    before = rows(sample, query)
    with pytest.raises(Refused, match=r"reporting\.stages"):
        workflow.revert(confirm=sample.name, restore=True, settings=decided)
    assert rows(sample, query) == before
    assert not workflow.window(settings=decided).closed
    assert execute.load(workflow.run_folder("latest", decided)).status == "completed"
    with acting(sample.admin_url) as user:
        user.do("update public.deals set amount = 7 where id = 1")
    assert workflow.verify(settings=decided).ok


WAYS = {
    "restore": lambda database, settings: workflow.revert(confirm=database.name, restore=True, settings=settings),
    "rollback": lambda database, settings: workflow.revert(confirm=database.name, settings=settings),
    "abort": lambda database, settings: workflow.abort(confirm=database.name, settings=settings),
}


@pytest.mark.parametrize("way", list(WAYS))
def test_a_restore_that_stops_behind_its_commit_is_only_ended_and_what_users_write_meanwhile_stays(
    way: str, sample: Database, decided: Settings
) -> None:
    before = state(sample.url)
    workflow.execute(confirm=sample.name, settings=decided)
    hasty = decided.model_copy(update={"lock_timeout_ms": 300})
    with psycopg.connect(sample.admin_url) as other:

        def hold(event: Event, /) -> None:
            if (event.kind, event.name, event.message) == ("step", "restore", "post-data"):
                other.execute("lock table migration.window_state in row exclusive mode")  # the window cannot be opened

        with pytest.raises(Stopped, match="somebody else holds a lock"):
            workflow.revert(confirm=sample.name, restore=True, settings=hasty, emit=hold)
    assert workflow.window(settings=decided).closed
    assert "keeps what users write now" in workflow.open_window(settings=decided).means
    assert state(sample.url) == before
    with acting(sample.admin_url) as user:
        user.do("update public.deals set name = 'Written in between' where id = 1")
    assert WAYS[way](sample, decided).status == "rolled_back"
    assert rows(sample, "select name from public.deals where id = 1") == [("Written in between",)]
    assert not workflow.window(settings=decided).closed


def test_a_restore_that_goes_on_behind_an_open_window_asks_again_what_may_be_lost(
    sample: Database, decided: Settings
) -> None:
    workflow.execute(confirm=sample.name, settings=decided)

    def interrupt(event: Event, /) -> None:
        if (event.kind, event.name, event.message) == ("step", "restore", "post-data"):
            raise KeyboardInterrupt

    with pytest.raises(Stopped, match="interrupted"):
        workflow.revert(confirm=sample.name, restore=True, settings=decided, emit=interrupt)
    workflow.open_window(settings=decided)
    with acting(sample.admin_url) as user:
        user.do("update public.deals set name = 'Written in between' where id = 1")
    seen: list[Outlook] = []
    with pytest.raises(Refused, match="as was answered"):
        workflow.revert(
            confirm=sample.name, restore=True, agree=lambda ahead: bool(seen.append(ahead)), settings=decided
        )
    assert seen[0].lost["opportunities"] == {"UPDATE": 1}
    assert rows(sample, "select name from public.opportunities where id = 1") == [("Written in between",)]
    workflow.revert(confirm=sample.name, restore=True, settings=decided)
    assert not workflow.window(settings=decided).closed


def test_a_restore_whose_server_is_lost_says_that_the_window_may_be_closed_and_goes_on(
    sample: Database, decided: Settings
) -> None:
    before = state(sample.url)
    workflow.execute(confirm=sample.name, settings=decided)

    def strike(event: Event, /) -> None:
        if (event.kind, event.name, event.message) == ("step", "restore", "post-data"):
            with postgres.connect(sample.admin_url) as admin:
                admin.execute(
                    "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() "
                    "and application_name like 'crm-migrate%' and pid <> pg_backend_pid()"
                )

    with pytest.raises(Stopped, match="the window may still be closed") as stopped:
        workflow.revert(confirm=sample.name, restore=True, settings=decided, emit=strike)
    assert "`crm-migrate window open`" in stopped.value.hint
    assert workflow.window(settings=decided).closed
    assert workflow.revert(confirm=sample.name, restore=True, settings=decided).status == "rolled_back"
    assert state(sample.url) == before


IN_THE_WAY = {
    "create view reporting.stages as select stage from public.opportunities": "view reporting.stages",
    "create view reporting.by_old_name as select id from public.deals": "view reporting.by_old_name",
    "create view reporting.whole as select nb_deals from public.companies_summary": "view reporting.whole",
    "create materialized view reporting.kept as select * from public.products": "materialized view reporting.kept",
    "create table reporting.pinned (about bigint references public.activities)": (
        "constraint pinned_about_fkey on table reporting.pinned"
    ),
    "alter table public.products add constraint own foreign key (created_by) references public.activities": (
        "constraint own on table public.products"
    ),
    "create table reporting.own (role public.contact_role)": "column role of table reporting.own",
    "create table reporting.heir () inherits (public.products)": "table reporting.heir",
    "create function reporting.top() returns public.opportunity_stage language plpgsql as 'begin end'": (
        "function reporting.top()"
    ),
    "create function reporting.ids() returns setof bigint begin atomic select id from public.products; end": (
        "function reporting.ids()"
    ),
    "create policy own on public.contacts using (exists (select from public.products))": (
        "policy own on table public.contacts"
    ),
    "create index own on public.companies (public.search_document(name))": "index public.own",
    "create table reporting.touched (updated_at timestamptz); create trigger own before update on reporting.touched "
    "for each row execute function public.touch_updated_at()": "trigger own on table reporting.touched",
    "create publication own for table public.contacts (id, department)": (
        "publication of table public.contacts in publication own"
    ),
}
NOT_IN_THE_WAY = """
    create index own on public.contacts (department);
    create index own_too on public.opportunities (stage) where deleted_at is null;
    create policy own on public.products using (exists (select from public.opportunities where stage = 'lead'));
    create trigger own before update on public.products for each row execute function public.touch_updated_at();
    alter table public.products add check (unit_price < 1000000);
    alter table public.activities add constraint own foreign key (organization_id) references public.companies;
    create rule own as on delete to public.products do also select name from public.products;
    create statistics own on stage, status from public.opportunities;
    create view reporting.names as select name, legacy_stage from public.opportunities;
    create table reporting.pinned (about bigint references public.opportunities);
    create function reporting.in_words() returns bigint language sql as 'select count(*) from public.products';
    create publication own for table public.products, public.contacts;
    create table public.mine (id bigint);
    alter table public.opportunities add column own text;
"""
LEFT = "column deals.own, column mine.id, publication own contacts, relation mine"


@pytest.fixture
def reported(migrated: Migrated) -> Iterator[tuple[Settings, Database, postgres.Connection]]:
    """A migrated database in which somebody makes reports of their own."""
    settings, database = migrated
    with postgres.connect(database.admin_url, autocommit=True) as admin:
        admin.execute("create schema reporting")
        yield settings, database, admin


def test_what_would_stop_the_way_back_midway_is_told_beforehand_and_nothing_else(
    reported: tuple[Settings, Database, postgres.Connection],
) -> None:
    settings, database, admin = reported
    found = {}
    for made in IN_THE_WAY:
        with admin.transaction(force_rollback=True):
            admin.execute(made.encode())
            found[made] = ", ".join(standing.things(admin, catalog.load()))
    assert found == IN_THE_WAY
    admin.execute(NOT_IN_THE_WAY.encode())
    admin.execute("create view reporting.stages as select id, stage from public.opportunities")
    assert workflow.outlook(settings=settings).standing == ("view reporting.stages",)
    with pytest.raises(Refused, match=r"would stop midway: view reporting\.stages on what the migration made"):
        workflow.revert(confirm=database.name, settings=settings)
    assert not workflow.window(settings=settings).closed
    assert execute.load(workflow.run_folder("latest", settings)).status == "completed"
    admin.execute("drop view reporting.stages")
    assert workflow.revert(confirm=database.name, settings=settings).status == "rolled_back"
    (said,) = rows(database, "select message from migration.events where kind = 'note' order by id desc limit 1")
    assert said == (f"made since the migration, and left as it is: {LEFT}",)


def test_what_somebody_has_changed_of_before_is_named_until_it_is_what_it_was(
    reported: tuple[Settings, Database, postgres.Connection],
) -> None:
    settings, database, admin = reported
    admin.execute("alter table public.contacts alter column last_name set not null")
    with pytest.raises(AnswerIsNo, match=r"not what it was: column contacts\.last_name$") as no:
        workflow.revert(confirm=database.name, settings=settings)
    assert "run the same command again" in no.value.hint
    admin.execute("alter table public.contacts alter column last_name drop not null")
    assert workflow.revert(confirm=database.name, settings=settings).status == "rolled_back"


def test_what_the_way_back_leaves_behind_of_the_plan_is_nobodys_own(
    reported: tuple[Settings, Database, postgres.Connection],
) -> None:
    settings, database, admin = reported
    admin.execute(
        """
        create function reporting.leave() returns event_trigger language plpgsql as $$
        begin
            if exists (select from pg_class where oid = to_regclass('public.deals') and relkind = 'r')
                and not exists (
                    select from pg_attribute where attrelid = to_regclass('public.deals') and attname = 'probability'
                )
            then
                alter table public.deals add column probability smallint;
            end if;
        end $$;
        create event trigger leave on ddl_command_end when tag in ('ALTER TABLE') execute function reporting.leave();
        """
    )
    with pytest.raises(AnswerIsNo, match=r"the schema is not what it was: column deals\.probability$"):
        workflow.revert(confirm=database.name, settings=settings)
    admin.execute("drop schema reporting cascade; alter table public.deals drop column probability")
    assert workflow.revert(confirm=database.name, settings=settings).status == "rolled_back"


def test_what_comes_into_the_way_back_meanwhile_is_named_and_once_it_is_gone_the_same_call_goes_on(
    reported: tuple[Settings, Database, postgres.Connection],
) -> None:
    settings, database, admin = reported

    def agree(_ahead: Outlook) -> bool:
        admin.execute("create view reporting.stages as select id, stage from public.opportunities")
        return True

    with pytest.raises(StepFailed, match=r"view reporting\.stages depends on column stage of table opportunities"):
        workflow.revert(confirm=database.name, agree=agree, settings=settings)
    admin.execute("drop schema reporting cascade")
    assert workflow.revert(confirm=database.name, settings=settings).status == "rolled_back"


def test_the_way_back_asks_for_no_files_of_the_analyst(migrated: Migrated, tmp_path: Path) -> None:
    settings, database = migrated
    without = settings.model_copy(update={"inputs": tmp_path / "moved_away"})
    assert workflow.outlook(restore=True, settings=without).restore
    with pytest.raises(Refused, match="completed: there is nothing to abort"):
        workflow.abort(confirm=database.name, settings=without)
    assert workflow.revert(confirm=database.name, settings=without).status == "rolled_back"


def test_a_verification_with_other_files_of_the_analyst_is_refused(migrated: Migrated, tmp_path: Path) -> None:
    settings, _ = migrated
    others = tmp_path / "others"
    others.mkdir()
    header = "principal_id,name,description,sku,category,unit_price,unit_cost,is_active,min_order_quantity\n"
    (others / "products.csv").write_text(header)
    with pytest.raises(StaleInput, match="the night was run with other input files or mappings than there are now"):
        workflow.verify(settings=settings.model_copy(update={"inputs": others}))
    with pytest.raises(StaleInput, match="other settings of what is migrated"):
        workflow.verify(settings=settings.model_copy(update={"link_deal_contacts": not settings.link_deal_contacts}))
    assert workflow.verify(settings=settings).ok
