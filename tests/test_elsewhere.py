"""A run's dump in another database: as before the migration, open, and nothing of the migration in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Database, Server, scratch_database
from crm_migrate import backup, postgres, tools, workflow
from crm_migrate.backup import contents
from crm_migrate.demo import database as databases
from crm_migrate.errors import Refused, Undone
from crm_migrate.events import silent
from crm_migrate.settings import Settings
from nights import state


@pytest.fixture
def empty(server: Server) -> Iterator[Database]:
    with scratch_database(server) as made:
        yield made


def test_in_an_empty_database_the_dump_is_the_crm_of_before_and_users_may_write(
    sample: Database, decided: Settings, empty: Database
) -> None:
    with postgres.connect(sample.url) as owner:
        owner.execute("grant insert on auth.users to authenticated")
    before = state(sample.url)
    workflow.execute(confirm=sample.name, settings=decided)
    migrated = state(sample.url)
    made = workflow.restore_into(database=empty.name, settings=decided)
    assert state(empty.url) == before
    assert sum(made.rows.values()) > 1_000
    assert {"contacts", "deals"} <= set(made.proved)
    with postgres.connect(empty.url) as there:
        assert there.execute("select nspname::text from pg_namespace where nspname ~ '^migration'").fetchall() == []
        assert there.execute("select has_table_privilege('authenticated', 'auth.users', 'insert')").fetchone() == (
            True,
        )
    assert state(sample.url) == migrated
    with pytest.raises(Refused, match="is not empty: there is"):
        workflow.restore_into(database=empty.name, settings=decided)


def test_rights_on_what_another_schema_lacks_there_are_passed_over(
    sample: Database, decided: Settings, empty: Database
) -> None:
    with postgres.connect(sample.url) as owner:
        owner.execute(
            """
            create schema api;
            create view api.tags as select id, name from public.tags;
            create view api.tasks as select id, text from public.tasks;
            grant update (name), delete on api.tags to authenticated;
            grant update (text), delete on api.tasks to authenticated;
            """
        )
    with postgres.connect(empty.url) as there:
        there.execute("create schema api; create table api.tags (other int, name text)")
    workflow.execute(confirm=sample.name, settings=decided)
    workflow.restore_into(database=empty.name, settings=decided)
    query = "select has_column_privilege('authenticated', 'api.tags', 'name', 'update')"
    for url in (sample.url, empty.url):
        with postgres.connect(url) as asked:
            assert asked.execute(query).fetchone() == (True,)


def test_the_migrated_database_is_no_place_for_it(migrated: tuple[Settings, Database]) -> None:
    settings, database = migrated
    with pytest.raises(Refused, match="is not empty"):
        workflow.restore_into(database=database.name, settings=settings)


def test_a_restore_that_cannot_be_proved_leaves_the_other_database_empty(
    migrated: tuple[Settings, Database], empty: Database
) -> None:
    settings, database = migrated
    with postgres.connect(database.url) as owner:
        owner.execute("update migration.backups set fingerprint = 1 where table_name = 'deals'")
    with pytest.raises(Undone, match="the rows of deals are not those"):
        workflow.restore_into(database=empty.name, settings=settings)
    with postgres.connect(empty.url) as there:
        assert there.execute(
            "select count(*) from pg_class where relnamespace = 'public'::regnamespace"
        ).fetchone() == (0,)


def test_an_extension_and_another_schema_are_made_where_they_are_not(owned15: tuple[str, str], tmp_path: Path) -> None:
    _name, url = owned15
    with postgres.connect(url) as owner:
        owner.execute("create extension pg_trgm; create schema ours; create table ours.kept (id bigint)")
        databases.lay_tables(owner, roles=False)
    made = backup.dump(url, tmp_path, emit=silent)
    program = tools.find("pg_restore", server_version=made.server_version)
    assert program is not None
    bare = contents.lines_for(program, made.path, schemas={"public"}, extensions=set())
    full = contents.lines_for(program, made.path, schemas={"public", "ours"}, extensions={"pg_trgm"})
    assert [what for what in ("EXTENSION - pg_trgm", "SCHEMA - ours", "TABLE ours kept") if what in "".join(bare)] == [
        "EXTENSION - pg_trgm",
        "SCHEMA - ours",
        "TABLE ours kept",
    ]
    assert not [line for line in full if "pg_trgm" in line or " ours" in line]
    assert [line for line in full if "TABLE public contacts" in line]
