"""What a customer built on the old tables stands and works after the migration, and after the way back."""

from __future__ import annotations

from conftest import Database
from crm_migrate import events, history, inputs, plan, postgres, schema
from crm_migrate.catalog import Catalog
from crm_migrate.settings import Settings
from crm_migrate.steps import Context
from test_routines import migrate

ROWS = """
insert into public.companies (id, name) values (0, 'Zero');
insert into public.contacts (id, first_name, company_id) values (0, 'Ann', 0);
insert into public.deals (id, name, company_id, stage) values (0, 'a', 0, 'lost'), (3, 'b', 0, 'won');
insert into public.tasks (contact_id, type, due_date) values (0, 'Demo', now());
"""
OWN = """
create table public.said (what text);
alter table public.deals add column region text;
create index by_region on public.deals (region);
create index deals_by_lower_stage on public.deals (lower(stage));
create materialized view public.pipeline as select id, stage, region from public.deals;
create unique index pipeline_id on public.pipeline (id);
create function public.say() returns trigger language plpgsql as $$
begin
    insert into public.said values (tg_name || ' ' || tg_level);
    return new;
end $$;
create trigger rows before update of stage on public.deals
for each row when (new.stage = 'won') execute function public.say();
create trigger statements after update on public.deals for each statement execute function public.say();
create rule keep as on update to public.deals do also insert into public.said values ('rule ' || new.stage);
"""


def say(connection: postgres.Connection) -> list[str]:
    """What a change through the old name makes triggers and rules say."""
    with connection.transaction(force_rollback=True):
        connection.execute("update public.deals set stage = 'won', region = 'north' where id = 0")
        rows = connection.execute("select what from public.said order by 1").fetchall()
    return [what for (what,) in rows]


def test_triggers_rules_indexes_and_materialised_views_go_on(database: Database, catalog: Catalog) -> None:
    with postgres.connect(database.url, autocommit=True) as connection:
        connection.execute((ROWS + OWN).encode())
        before = say(connection)
        assert before == ["rows ROW", "rule won", "statements STATEMENT"]
        migrate(database.url, catalog)
        assert say(connection) == before
        connection.execute("update public.deals set region = 'south' where id = 3")
        connection.execute("refresh materialized view concurrently public.pipeline")
        assert connection.execute("select stage, region from public.pipeline where id = 3").fetchone() == (
            "won",
            "south",
        )
        document = schema.describe(connection)
        assert "region" in document["index by_region"]
        assert "lower(legacy_stage)" in document["index opportunities_by_lower_stage"]


def test_neither_a_trigger_nor_a_rule_notices_the_load(database: Database, catalog: Catalog) -> None:
    with postgres.connect(database.url, autocommit=True) as connection:
        connection.execute((ROWS + OWN).encode())
        connection.execute("create rule never as on update to public.contacts do instead nothing")
        migrate(database.url, catalog)
        assert connection.execute("select what from public.said").fetchall() == []
        assert connection.execute("select company_id_backup from public.contacts").fetchall() == [(0,)]


def test_a_publication_for_all_tables_keeps_nobody_from_the_way_back(database: Database, catalog: Catalog) -> None:
    with postgres.connect(database.admin_url) as admin:
        admin.execute((ROWS + "create publication everything for all tables").encode())
    given = inputs.load(catalog.root / "mappings", None, options={"link_deal_contacts": False})
    with postgres.connect(database.url, autocommit=True) as connection:
        before = schema.describe(connection)
        with connection.transaction():
            history.prepare(connection, catalog)
            inputs.store(connection, given)
            record = history.begin(connection, "test")
        context = Context(connection, catalog, Settings(), "test", "", record.backup_stamp, events.silent, lambda: None)
        planned = plan.build(catalog)
        for kind in planned.steps():
            kind.apply(context)
        connection.execute("update public.deals set name = 'c'")
        for kind in planned.backwards():
            kind.revert(context)
        assert schema.differences(before, schema.describe(connection)) == ()
