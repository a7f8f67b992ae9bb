"""What a customer built on top of the old tables lives through a night, and through the way back (C10, E2)."""

from __future__ import annotations

from pathlib import Path

import pytest

import customers
from conftest import Database
from crm_migrate import postgres, workflow
from crm_migrate.postgres import Connection
from nights import approved, settings_for, state

# What a customer reads through objects of their own; the names that moved are looked up under both.
LOOKS = {
    "views on deals": "select * from public.big_deals order by id",
    "views on those": "select * from public.over_views order by 1, 2",
    "views on summaries": "select * from public.over_summaries order by 1, 2",
    "materialised views": "select * from public.deals_by_stage order by 1",
    "extra columns": 'select id, "Größe in m²", "order", "say ""hi""", external_key from public.deals order by id',
    "their invoices": "select deal_id, note_id from public.invoices order by id",
    "publications": """
        select pubname, rowfilter,
            replace(replace(tablename, 'opportunities', 'deals'), 'opportunityNotes', 'dealNotes')
        from pg_publication_tables order by 1, 3
    """,
    "triggers": "select tgname, tgenabled::text from pg_trigger where tgname in ('stamp', 'asleep', 'late') order by 1",
    "rules": "select rulename, definition from pg_rules where rulename = 'remember'",
    "statistics": "select stxname, stxkeys::text from pg_statistic_ext",
    "comments": """
        select description from pg_description where description like 'O%rs: %' or description like 'Our %' order by 1
    """,
}


@pytest.fixture
def crowded(sample: Database) -> Database:
    """A sample under a customer's own objects."""
    with postgres.connect(sample.url) as owner:
        owner.execute(customers.OWN_OBJECTS)
        owner.execute("alter table public.tasks no force row level security")  # or its owner would be refused
        owner.execute("insert into public.invoices (deal_id, note_id) values (1, 1), (2, null)")
        owner.execute("refresh materialized view public.deals_by_stage")
    return sample


def looked_at(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    return {name: connection.execute(query.encode()).fetchall() for name, query in LOOKS.items()}


def test_a_customers_own_objects_live_through_a_night_and_the_way_back(crowded: Database, tmp_path: Path) -> None:
    settings = settings_for(crowded, tmp_path)
    before = state(crowded.url)
    with postgres.connect(crowded.url) as connection:
        looks, whole = looked_at(connection), customers.whole(connection)
    approved(settings)
    run = workflow.execute(confirm=crowded.name, settings=settings)
    assert run is not None
    assert run.status == "completed"
    with postgres.connect(crowded.url) as connection:
        connection.execute("refresh materialized view public.deals_by_stage")
        for name, rows in looked_at(connection).items():
            assert rows == looks[name], name
    assert workflow.revert(confirm=crowded.name, settings=settings).status == "rolled_back"
    assert state(crowded.url) == before
    with postgres.connect(crowded.url) as connection:
        assert customers.differences(whole, customers.whole(connection)) == []
