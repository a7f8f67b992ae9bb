"""The change log: which rows were written since the migration, and by which role."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conftest import Database
from crm_migrate import postgres
from crm_migrate.postgres import Connection
from crm_migrate.settings import Settings

Migrated = tuple[Settings, Database]


@pytest.fixture
def admin(migrated: Migrated) -> Iterator[Connection]:
    with postgres.connect(migrated[1].admin_url, autocommit=True) as connection:
        yield connection


def as_role(connection: Connection, role: str, *statements: str) -> None:
    """Run statements as PostgREST does: each in a transaction of its role."""
    for statement in statements:
        with connection.transaction():
            connection.execute(f"set local role {role}".encode())
            connection.execute(statement.encode())


def noted(connection: Connection, relation: str) -> list[tuple[object, ...]]:
    return connection.execute(
        "select key, first_operation, last_operation, written_by from migration.changes where relation = %s order by 1",
        [relation],
    ).fetchall()


def test_after_a_night_nothing_is_noted(admin: Connection) -> None:
    assert admin.execute("select count(*) from migration.changes").fetchone() == (0,)


def test_a_row_is_noted_once_with_its_first_and_last_operation_and_role(admin: Connection) -> None:
    as_role(
        admin,
        "authenticated",
        "insert into public.tags (id, name, color) values (9001, 'new', 'warm'), (9002, 'gone', 'teal')",
        "update public.tags set name = 'newer' where id = 9001",
    )
    as_role(admin, "service_role", "delete from public.tags where id = 9002")
    assert noted(admin, "tags") == [
        (9001, "INSERT", "UPDATE", "authenticated"),
        (9002, "INSERT", "DELETE", "service_role"),
    ]


def test_a_write_through_an_old_name_is_one_of_the_new_table(admin: Connection) -> None:
    as_role(admin, "authenticated", "insert into public.deals (id, name, stage) values (9001, 'Old name', 'won')")
    assert noted(admin, "opportunities") == [(9001, "INSERT", "INSERT", "authenticated")]


def test_what_a_rule_writes_is_of_the_role_that_made_it_write(admin: Connection) -> None:
    as_role(admin, "authenticated", "insert into public.contacts (id, company_id) select 9001, min(id) from companies")
    assert [row[1:] for row in noted(admin, "contact_organizations")] == [("INSERT", "INSERT", "authenticated")]


def test_an_id_that_changes_is_a_row_that_goes_and_one_that_comes(admin: Connection) -> None:
    as_role(admin, "authenticated", "insert into public.tags (id, name, color) values (9001, 'new', 'warm')")
    as_role(admin, "authenticated", "update public.tags set id = 9002 where id = 9001")
    assert [row[:3] for row in noted(admin, "tags")] == [(9001, "INSERT", "DELETE"), (9002, "INSERT", "INSERT")]


def test_of_a_deleted_row_stays_only_by_what_it_is_found_again(admin: Connection) -> None:
    task = admin.execute("select id, source_id from activities where source_table = 'tasks' order by 1").fetchone()
    assert task is not None
    as_role(admin, "authenticated", f"delete from public.activities where id = {task[0]}")
    found = admin.execute("select key, identity from migration.changes where relation = 'activities'").fetchall()
    assert found == [(task[0], {"source_table": "tasks", "source_id": task[1]})]


def test_rows_that_go_in_a_truncate_are_noted(admin: Connection) -> None:
    before = admin.execute("select count(*) from public.tasks").fetchone()
    as_role(admin, "service_role", "truncate public.tasks")
    assert (
        admin.execute(
            "select count(*) from migration.changes where relation = 'tasks' and last_operation = 'DELETE'"
        ).fetchone()
        == before
    )


def test_only_the_owner_writes_for_others(admin: Connection, migrated: Migrated) -> None:
    mine = "select set_config('crm.written_for', 'nobody', false)"
    admin.execute(mine.encode())
    as_role(admin, "authenticated", "insert into public.tags (id, name, color) values (9001, 'new', 'warm')")
    with postgres.connect(migrated[1].url, autocommit=True) as owner:
        owner.execute(mine.encode())
        owner.execute(b"insert into public.tags (id, name, color) values (9002, 'late', 'warm')")
    assert noted(admin, "tags") == [(9001, "INSERT", "INSERT", "authenticated")]


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_no_role_of_the_api_reads_or_writes_the_log(admin: Connection, role: str) -> None:
    row = admin.execute(
        """
        select has_schema_privilege(%(role)s, 'migration', 'usage'),
            has_table_privilege(%(role)s, 'migration.changes', 'select, insert, update, delete'),
            has_function_privilege(%(role)s, 'migration.note_changes()', 'execute')
        """,
        {"role": role},
    ).fetchone()
    assert row == (False, False, False)
