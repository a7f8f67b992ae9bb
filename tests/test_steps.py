"""Every step of plan.toml: apply, verify, revert, the catalogue as before, apply again."""

from __future__ import annotations

from conftest import Database
from crm_migrate import events, history, inputs, plan, postgres, schema
from crm_migrate.catalog import Catalog
from crm_migrate.settings import Settings
from crm_migrate.steps import Context

ROWS = """
insert into public.companies (id, name) values (0, 'Zero'), (1, 'One');
insert into public.contacts (id, first_name, company_id) values (0, 'Ann', 0), (5, 'Ben', null);
insert into public.deals (id, name, company_id, stage, contact_ids)
values (0, 'a', 0, 'won', '{0, 5}'), (3, 'b', 1, '?', null);
insert into public."contactNotes" (contact_id, text) values (0, 'met'), (5, null);
insert into public."dealNotes" (deal_id, type, text) values (0, 'Call', 'rang');
insert into public.tasks (contact_id, type, text, due_date) values (0, 'Demo', 'show it', now());
"""


def test_every_step_goes_there_and_back_and_there_again(database: Database, catalog: Catalog) -> None:
    with postgres.connect(database.admin_url) as admin:
        admin.execute(ROWS.encode())
    given = inputs.load(catalog.root / "mappings", None, options={"link_deal_contacts": False})
    with postgres.connect(database.url, autocommit=True) as connection:
        with connection.transaction():
            history.prepare(connection, catalog)
            inputs.store(connection, given)
            record = history.begin(connection, "test")
        start = schema.describe(connection)
        context = Context(connection, catalog, Settings(), "test", "", record.backup_stamp, events.silent, lambda: None)
        planned = plan.build(catalog)
        for kind in planned.steps():
            before = schema.describe(connection)
            kind.apply(context)
            assert kind.verify(context) == (), kind.step.name
            kind.revert(context)
            assert schema.differences(before, schema.describe(connection)) == (), kind.step.name
            if kind.step.kind == "backup":
                continue  # its copy is kept for 90 days, and is there already
            kind.apply(context)
            assert kind.verify(context) == (), kind.step.name
        for kind in planned.backwards():
            kind.revert(context)
        assert schema.differences(start, schema.describe(connection)) == ()


def test_verify_of_every_sql_step_finds_that_nothing_was_applied(database: Database, catalog: Catalog) -> None:
    """A proof that cannot fail proves nothing."""
    with postgres.connect(database.url, autocommit=True) as connection:
        with connection.transaction():
            history.prepare(connection, catalog)
            record = history.begin(connection, "test")
        context = Context(connection, catalog, Settings(), "test", "", record.backup_stamp, events.silent, lambda: None)
        for kind in plan.build(catalog).steps():
            if kind.step.kind in ("sql", "load", "backup"):
                assert kind.verify(context), kind.step.name
