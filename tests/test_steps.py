"""Every step of plan.toml: apply, verify, revert, the catalogue as before, apply again; on both PostgreSQL versions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg import sql

import customers
from conftest import Database
from crm_migrate import events, history, inputs, plan, postgres
from crm_migrate.catalog import Catalog
from crm_migrate.demo import database as databases
from crm_migrate.postgres import Connection
from crm_migrate.settings import Settings
from crm_migrate.steps import Context
from other_server import scratch_database15

ROWS = """
insert into public.companies (id, name) values (0, 'Zero'), (1, 'One');
insert into public.contacts (id, first_name, company_id) values (0, 'Ann', 0), (5, 'Ben', null);
insert into public.deals (id, name, company_id, stage, contact_ids, amount)
values (0, 'a', 0, 'won', '{0, 5}', 2000), (3, 'b', 1, '?', null, null);
insert into public."contactNotes" (contact_id, text) values (0, 'met'), (5, null);
insert into public."dealNotes" (deal_id, type, text) values (0, 'Call', 'rang');
insert into public.tasks (contact_id, type, text, due_date) values (0, 'Demo', 'show it', now());
"""


@pytest.fixture(params=["the embedded server", "PostgreSQL 15"])
def crm(request: pytest.FixtureRequest) -> Iterator[Database]:
    """An Atomic CRM without rows, once on each server."""
    if request.param == "the embedded server":
        yield request.getfixturevalue("database")
        return
    with scratch_database15(request.getfixturevalue("supabase15")) as made:
        with postgres.connect(made.url) as owner:
            databases.lay_tables(owner, roles=True)
            databases.lay_keys(owner, roles=True)
        yield made


def begun(connection: Connection, catalog: Catalog) -> Context:
    """What steps work with, in a database that is prepared for them."""
    with connection.transaction():
        history.prepare(connection, catalog)
        inputs.store(connection, inputs.load(catalog.root / "mappings", None, options={"link_deal_contacts": False}))
        record = history.begin(connection, "test")
    return Context(connection, catalog, Settings(), "test", "", record.backup_stamp, events.silent, lambda: None)


def there_and_back(context: Context, catalog: Catalog) -> None:
    """Drive the plan, each step there, back and there again, then all of it back."""
    connection = context.connection
    start = customers.whole(connection)
    planned = plan.build(catalog)
    for kind in planned.steps():
        before = customers.whole(connection)
        kind.apply(context)
        assert kind.verify(context) == (), kind.step.name
        kind.revert(context)
        assert customers.differences(before, customers.whole(connection)) == [], kind.step.name
        if kind.step.kind == "backup":
            continue  # its copy is kept for 90 days, and is there already
        kind.apply(context)
        assert kind.verify(context) == (), kind.step.name
    for kind in planned.backwards():
        kind.revert(context)
    assert customers.differences(start, customers.whole(connection)) == []


def test_every_step_goes_there_and_back_and_there_again(database: Database, catalog: Catalog) -> None:
    with postgres.connect(database.url) as owner:
        owner.execute(ROWS.encode())
    with postgres.connect(database.url, autocommit=True) as connection:
        there_and_back(begun(connection, catalog), catalog)


def test_every_step_leaves_what_a_customer_built_on_top_as_it_was(crm: Database, catalog: Catalog) -> None:
    with postgres.connect(crm.url) as owner:
        owner.execute(ROWS.encode())
        owner.execute(customers.OWN_OBJECTS)
    with postgres.connect(crm.url, autocommit=True) as connection:
        there_and_back(begun(connection, catalog), catalog)


def test_verify_of_every_sql_step_finds_that_nothing_was_applied(database: Database, catalog: Catalog) -> None:
    """A proof that cannot fail proves nothing."""
    with postgres.connect(database.url, autocommit=True) as connection:
        context = begun(connection, catalog)
        for kind in plan.build(catalog).steps():
            if kind.step.kind in ("sql", "load", "backup"):
                assert kind.verify(context), kind.step.name


def test_after_the_night_the_planner_knows_what_was_loaded(
    migrated: tuple[Settings, Database], catalog: Catalog
) -> None:
    loads = [(model.target.removeprefix("public."), model.mode) for model in catalog.models.values()]
    updated = {target for target, mode in loads if mode == "update"}
    with postgres.connect(migrated[1].url) as connection:
        known = {name for (name,) in connection.execute("select distinct tablename from pg_catalog.pg_stats")}
        full_text = connection.execute("select tablename from pg_catalog.pg_stats where attname = 'search_tsv'")
        analysed = {name for (name,) in full_text}
        filled = {
            target
            for target, _mode in loads
            if connection.execute(sql.SQL("select from {} limit 1").format(sql.Identifier("public", target))).fetchone()
            is not None
        }
    assert filled <= known
    assert updated <= analysed
