"""Tables that are built otherwise are refused by pre-flight, before anything is touched; what only looks odd is not."""

from __future__ import annotations

import pytest

from conftest import Database
from crm_migrate import catalog as catalogs
from crm_migrate import postgres, preflight, shapes
from crm_migrate.settings import Settings

PARTITIONED = """
    alter table public.tasks rename to tasks_of_old;
    alter table public.tasks_of_old rename constraint tasks_pkey to tasks_of_old_pkey;
    alter table public.tasks_of_old alter column id drop identity;
    create table public.tasks (like public.tasks_of_old) partition by range (id);
    alter table public.tasks attach partition public.tasks_of_old for values from (minvalue) to (maxvalue);
"""


def strange(database: Database, statements: str) -> tuple[str, ...]:
    with postgres.connect(database.admin_url) as admin:
        admin.execute(statements.encode())
        return shapes.strange(admin)


@pytest.mark.parametrize(
    ("statements", "sentence"),
    [
        (PARTITIONED, "table tasks is partitioned"),
        ("create table public.deals_of_old () inherits (public.deals)", "table deals has a child table, deals_of_old"),
        (
            "create table public.things (id bigint not null); alter table public.deals inherit public.things",
            "table deals is a child of things",
        ),
        (
            "create type public.stages as enum ('won'); "
            "alter table public.deals alter column stage type public.stages using stage::public.stages",
            "column deals.stage is of type stages, not text",
        ),
        (
            'alter table public."dealNotes" alter column attachments type jsonb using to_jsonb(attachments)',
            "column dealNotes.attachments is of type jsonb, not jsonb[]",
        ),
        ("drop view public.companies_summary", "view companies_summary is gone"),
    ],
)
def test_what_the_migration_could_not_carry_along_is_named(database: Database, statements: str, sentence: str) -> None:
    assert strange(database, statements) == (sentence,)


@pytest.mark.parametrize(
    "statements",
    [
        "alter table public.deals alter column stage type varchar(40)",
        "create domain public.stage as text; alter table public.deals alter column stage type public.stage",
        "alter table public.deals alter column amount type numeric(14, 2)",
        "alter table public.deals alter column contact_ids type integer[]",
        "alter table public.deals add column region text",
    ],
)
def test_what_it_carries_along_is_not(database: Database, statements: str) -> None:
    assert strange(database, statements) == ()


def test_preflight_refuses_them(database: Database, settings: Settings) -> None:
    with postgres.connect(database.url, autocommit=True) as connection:
        connection.execute("create table public.deals_of_old () inherits (public.deals)")
        found = preflight.run(connection, settings=settings, creates=catalogs.created(catalogs.load()))
    assert [check.check for check in found.failed] == ["tables"]


@pytest.fixture
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(workspace=tmp_path_factory.mktemp("bench"))
