"""Two snapshots are compared: rows by table, objects of the schema, checks that got better or worse."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import Database
from crm_migrate import postgres, workflow
from crm_migrate.errors import NoSuchRun
from crm_migrate.settings import Settings
from nights import settings_for


def assessed(settings: Settings) -> str:
    workflow.assess("new", settings=settings)
    return workflow.run_folder("latest", settings).name


@pytest.fixture
def settings(sample: Database, tmp_path: Path) -> Settings:
    return settings_for(sample, tmp_path)


def test_rows_schema_and_checks_that_differ_are_told_and_no_others(sample: Database, settings: Settings) -> None:
    with postgres.connect(sample.url) as owner:
        owner.execute("insert into public.companies (name) values ('')")
    first = assessed(settings)
    with postgres.connect(sample.url) as owner:
        owner.execute("update public.companies set name = 'Named' where name = ''")
        owner.execute("update public.contacts set first_name = ' ', last_name = ' ' where id = 1")
        owner.execute("delete from public.tasks where id in (select id from public.tasks order by id limit 2)")
        owner.execute("alter table public.deals add column region text")
    second = assessed(settings)
    found = workflow.diff(settings=settings)
    assert (found.before.run, found.after.run) == (first, second)
    assert {(t.table, t.added, t.changed, t.removed) for t in found.tables} == {
        ("companies", 0, 1, 0),
        ("contacts", 0, 1, 0),
        ("tasks", 0, 0, 2),
    }
    assert [(change.object, change.change) for change in found.schema] == [("column deals.region", "new")]
    assert found.checks is not None
    changed = {change.check: (change.before, change.after, change.change) for change in found.checks}
    assert changed["companies.blank_name"] == (1, 0, "better")
    assert "worse" in {change for _before, _after, change in changed.values()}


def test_snapshots_are_found_by_their_own_ids_and_the_other_way_round(sample: Database, settings: Settings) -> None:
    first = workflow.snapshot("new", settings=settings)
    with postgres.connect(sample.url) as owner:
        owner.execute("delete from public.tags where id = (select max(id) from public.tags)")
    second = workflow.snapshot("new", settings=settings)
    found = workflow.diff(second.id, first.id, settings=settings)
    assert [(table.table, table.added, table.removed) for table in found.tables] == [("tags", 1, 0)]
    assert found.checks is None


def test_a_run_alone_is_compared_with_the_latest_other_one(settings: Settings) -> None:
    names = [assessed(settings) for _ in range(3)]
    assert workflow.diff(names[0], settings=settings).after.run == names[2]
    assert workflow.diff(names[2], settings=settings).after.run == names[1]
    assert workflow.diff(settings=settings).tables == ()


def test_what_is_not_there_is_said(settings: Settings) -> None:
    with pytest.raises(NoSuchRun, match="not two runs"):
        workflow.diff(settings=settings)
    workflow.snapshot("new", settings=settings)
    with pytest.raises(NoSuchRun, match="'nonsense' is neither a run nor a snapshot"):
        workflow.diff("nonsense", settings=settings)
    with pytest.raises(NoSuchRun, match="no other run"):
        workflow.diff(workflow.run_folder("latest", settings).name, settings=settings)
