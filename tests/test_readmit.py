"""Whatever refuses a row of whatever load: it is set aside, and comes in, once that is mended, as if nothing was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import refused
from conftest import Database, Server, scratch_database
from crm_migrate import catalog as catalogs
from crm_migrate import execute as executing
from crm_migrate import plan, postgres, readmit, rejects, workflow
from crm_migrate.catalog import Catalog
from crm_migrate.errors import AnswerIsNo, NoSuchRun
from crm_migrate.events import Event
from crm_migrate.readmit import Readmission
from crm_migrate.settings import Settings
from crm_migrate.steps import Context
from nights import State, approved, settings_for, state, stop_at
from test_cli import bench

LOADS = refused.loads(catalogs.load())


@pytest.fixture
def context(database: Database, catalog: Catalog, tmp_path: Path) -> Iterator[Context]:
    """A CRM in which every load has ten driving rows; nothing of the plan is applied."""
    with postgres.connect(database.url, autocommit=True) as connection:
        yield refused.context(connection, catalog, tmp_path / "inputs")


@pytest.fixture(scope="session")
def unrefused(
    server: Server, empty_template: str, catalog: Catalog, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[State]:
    """What the plan makes of it where no row is refused."""
    with (
        scratch_database(server, template=empty_template) as made,
        postgres.connect(made.url, autocommit=True) as connection,
    ):
        refused.apply(refused.context(connection, catalog, tmp_path_factory.mktemp("unrefused")))
        yield state(made.url)


@pytest.mark.parametrize("load", LOADS)
def test_a_row_that_any_rule_refuses_is_set_aside_and_comes_in_once_it_is_mended(
    load: str, context: Context, database: Database, unrefused: State
) -> None:
    planted, mended, expected = refused.plant(LOADS[load])
    refused.apply(context, load=load, planted=planted)
    found = rejects.listed(context.connection, "test")
    assert {(reject.step, int(reject.key)): reject.sqlstate for reject in found} == {
        (load, key): sqlstate for key, sqlstate in expected.items()
    }
    assert not [reject.message for reject in found if "Ann" in reject.message]
    context.connection.execute(mended.encode())
    done = readmit.take_in(context, plan.build(context.catalog), up_to=rejects.last(context.connection, "test"))
    assert done == Readmission(taken=len(expected), needless=0, left=0)
    assert rejects.listed(context.connection, "test") == ()
    now = state(database.url)
    assert now.rows == unrefused.rows
    assert now.objects == unrefused.objects


def test_an_update_leaves_what_somebody_has_filled_since(context: Context) -> None:
    connection = context.connection
    refused.apply(
        context,
        load="load:companies",
        planted="alter table public.companies add constraint planted check (id <> 3 or not is_principal)",
    )
    connection.execute("alter table public.companies drop constraint planted")
    connection.execute("update public.companies set segment = 'Ours' where id = 3")
    assert readmit.take_in(context, plan.build(context.catalog), up_to=rejects.last(connection, "test")).taken == 1
    row = connection.execute(
        "select segment, is_principal, organization_type::text from public.companies where id = 3"
    ).fetchone()
    assert row == ("Ours", True, "principal")


def test_a_company_that_would_belong_to_itself_is_refused_again(context: Context) -> None:
    connection = context.connection
    connection.execute("update migration.organizations set parent_company_id = 4 where company_id = 3")
    refused.apply(
        context,
        load="load:companies",
        planted="alter table public.companies add constraint planted check (id <> 3 or not is_principal)",
    )
    connection.execute("alter table public.companies drop constraint planted")
    connection.execute("update public.companies set parent_company_id = 3 where id = 4")
    assert readmit.take_in(context, plan.build(context.catalog), up_to=rejects.last(connection, "test")).left == 1
    [left] = rejects.listed(connection, "test")
    assert (left.sqlstate, left.message.partition(",")[0]) == ("23514", "refused by function refuse_company_cycle()")


def test_what_is_refused_again_stays_with_its_new_reason_and_the_others_come_in(context: Context) -> None:
    connection = context.connection
    refused.apply(
        context,
        load="load:contact_preferred_principals",
        planted="alter table public.contact_preferred_principals "
        "add constraint planted check (contact_id not in (3, 5))",
    )
    connection.execute("alter table public.contact_preferred_principals drop constraint planted")
    connection.execute("delete from public.opportunity_participants where organization_id = 3")
    connection.execute("delete from public.products where principal_id = 3")
    connection.execute(
        "delete from public.principal_distributor_relationships where 3 in (principal_id, distributor_id)"
    )
    connection.execute("update public.companies set is_principal = false, organization_type = 'prospect' where id = 3")
    done = readmit.take_in(context, plan.build(context.catalog), up_to=rejects.last(connection, "test"))
    assert done == Readmission(taken=1, needless=0, left=1)
    [left] = rejects.listed(connection, "test")
    assert left.key == "3"
    assert left.message.startswith("refused by function validate_principal_organization()")


def test_what_somebody_has_entered_since_is_not_entered_twice(context: Context) -> None:
    connection = context.connection
    refused.apply(
        context,
        load="load:contact_organizations",
        planted="alter table public.contact_organizations add constraint planted "
        "check (contact_id <> 3 or not is_primary_contact)",
    )
    connection.execute("alter table public.contact_organizations drop constraint planted")
    connection.execute(
        "insert into public.contact_organizations (contact_id, organization_id, is_primary_contact, notes) "
        "values (3, 23, true, 'by hand')"
    )
    done = readmit.take_in(context, plan.build(context.catalog), up_to=rejects.last(connection, "test"))
    assert done == Readmission(taken=0, needless=1, left=0)
    rows = connection.execute(
        "select is_primary_contact, notes from public.contact_organizations "
        "where contact_id = 3 and organization_id = 23"
    ).fetchall()
    assert rows == [(True, "by hand")]


def test_a_reject_that_nobody_foresaw_keeps_the_window_closed_until_it_is_taken_in(
    sample: Database, decided: Settings
) -> None:

    phases: list[str] = []

    def meddle(event: Event, /) -> None:
        if event.kind == "phase":
            phases.append(event.name)
        if event.kind == "step" and event.name == "sql:10_tables" and phases[-1] == "1_4_activities":
            with postgres.connect(sample.admin_url) as admin:
                admin.execute(
                    "alter table public.activities add constraint planted check (source_id <> 1 or contact_id is null)"
                )

    with pytest.raises(AnswerIsNo, match="not verified"):
        workflow.execute(confirm=sample.name, settings=decided, emit=meddle)
    with postgres.connect(sample.admin_url) as admin:
        admin.execute("alter table public.activities drop constraint planted")
    said: list[str] = []
    run = workflow.execute(confirm=sample.name, settings=decided, emit=lambda event, /: said.append(event.message))
    assert run is not None
    assert run.status == "completed"
    assert "2 rejected rows taken in, 0 are still set aside" in said
    assert workflow.verify(settings=decided).ok


def test_of_a_completed_run_a_mended_reject_comes_in_while_users_work(sample: Database, tmp_path: Path) -> None:
    with postgres.connect(sample.url) as connection:
        connection.execute("insert into public.deals (id, name, stage) values (700, 'nobody buys', 'won')")
        connection.execute(
            """insert into public."dealNotes" (id, deal_id, text) values (800, 700, 'x'), (801, 700, 'y')"""
        )
    settings = settings_for(sample, tmp_path, reject_ratio=0.5)
    approved(settings)
    workflow.execute(confirm=sample.name, settings=settings)
    with postgres.connect(sample.url) as connection:
        connection.execute("alter table public.activities drop constraint activities_about_check")
        connection.execute(
            "alter table public.activities add constraint activities_about_check "
            "check (contact_id is not null or organization_id is not null or source_id = 800)"
        )
    run = workflow.execute(confirm=sample.name, settings=settings)
    assert run is not None
    assert run.status == "completed"
    assert {phase.phase: phase.rejects for phase in run.phases}["1_4_activities"] == 1
    assert executing.load(workflow.run_folder("latest", settings)) == run
    verification = workflow.verify(settings=settings)
    assert [check.detail for check in verification.checks if check.check == "rejects as predicted"] == [
        "1 rejected, 2 predicted, 1 taken in since"
    ]
    assert verification.compared["activities"].differing == 0
    with postgres.connect(sample.url) as connection:
        events = connection.execute("select name, message from migration.events where kind = 'reject'").fetchall()
    assert events == [("load:activities_from_deal_notes", "key 800: taken in")]


def test_of_a_completed_run_what_users_mended_or_deleted_is_verified_once_it_was_taken_in(
    sample: Database, tmp_path: Path
) -> None:
    with postgres.connect(sample.url) as connection:
        connection.execute("insert into public.deals (id, name, stage) values (700, 'nobody buys', 'won')")
        connection.execute(
            """insert into public."dealNotes" (id, deal_id, text) values (800, 700, 'x'), (801, 700, 'y')"""
        )
    settings = settings_for(sample, tmp_path, reject_ratio=0.5, spot_checks=10_000)
    approved(settings)
    workflow.execute(confirm=sample.name, settings=settings)
    with postgres.connect(sample.admin_url) as user:
        user.execute("set role authenticated")
        user.execute("update public.deals set company_id = 3 where id = 700")
        user.execute('delete from public."dealNotes" where id = 801')
    workflow.execute(confirm=sample.name, settings=settings)
    with postgres.connect(sample.url) as connection:
        came = connection.execute(
            "select source_id, organization_id from public.activities where opportunity_id = 700"
        ).fetchall()
    assert came == [(800, 3)]
    verification = workflow.verify(settings=settings)
    assert verification.ok, [check for check in verification.checks if not check.ok]


def test_a_source_row_that_is_mended_midway_is_not_verified_and_stays_mended_on_the_way_back(
    sample: Database, tmp_path: Path
) -> None:
    with postgres.connect(sample.url) as connection:
        connection.execute("insert into public.deals (id, name, stage) values (700, 'nobody buys', 'won')")
        connection.execute("""insert into public."dealNotes" (id, deal_id, text) values (800, 700, 'x')""")
    settings = settings_for(sample, tmp_path, reject_ratio=0.5)
    approved(settings)
    stop_at("stage", "verify", settings, sample)
    with postgres.connect(sample.url) as connection:
        connection.execute("update public.deals set company_id = 3 where id = 700")
    with pytest.raises(AnswerIsNo, match="not verified"):
        workflow.execute(confirm=sample.name, settings=settings)
    assert workflow.abort(confirm=sample.name, settings=settings).status == "rolled_back"
    with postgres.connect(sample.url) as connection:
        assert connection.execute("select company_id from public.deals where id = 700").fetchone() == (3,)


def test_a_completed_run_with_nothing_set_aside_is_left_as_it_is(migrated: tuple[Settings, Database]) -> None:
    settings, database = migrated
    before = state(database.url)
    run = workflow.execute(confirm=database.name, settings=settings)
    assert run is not None
    assert run.status == "completed"
    assert state(database.url) == before


def test_rejects_are_listed_masked_unless_it_is_asked_for(sample: Database, tmp_path: Path) -> None:
    with postgres.connect(sample.url) as connection:
        connection.execute("insert into public.deals (id, name, stage) values (700, 'nobody buys', 'won')")
        connection.execute("""insert into public."dealNotes" (id, deal_id, text) values (800, 700, 'private words')""")
    settings = settings_for(sample, tmp_path, reject_ratio=0.5)
    approved(settings)
    with pytest.raises(NoSuchRun, match="was not executed in this database"):
        workflow.rejects(settings=settings)
    workflow.execute(confirm=sample.name, settings=settings)
    run = bench(tmp_path, sample.url)
    listed = run("rejects").stdout
    assert "violates activities_about_check" in listed
    assert "private" not in listed
    assert "private words" in run("rejects", "--show-personal-data").stdout
    document = run.json("rejects")
    assert document["masked"] is True
    assert isinstance(document["rejects"], list)
    [reject] = document["rejects"]
    assert set(reject) == {"step", "table", "key", "sqlstate", "message", "at", "row"}
    assert reject["row"]["description"] == "p…"
    assert reject["row"]["source_id"] == 800
