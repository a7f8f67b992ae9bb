"""What customers do to tables and views that are not as delivered fails no night, and comes through the way back."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import sql

import customers
from conftest import Database, Server
from crm_migrate import embedded, postgres, workflow
from nights import approved, settings_for, state

BROKEN = """
create function public.broken() returns bigint language plpgsql as $$ begin
    return (select id from public.nowhere);
end $$;
create view public.fails_when_read as select public.broken() as id from public.deals;
"""
FORCED = "row security holds for the owner"
HABITS = {
    "tasks have no row security": "alter table public.tasks disable row level security",
    "no table has any": """
        alter table public.tasks disable row level security;
        alter table public.contacts disable row level security;
        alter table public.deals disable row level security;
        alter table public.companies disable row level security;
    """,
    "tasks have neither row security nor policies": """
        do $$ declare name text; begin
            for name in select policyname from pg_policies where tablename = 'tasks' loop
                execute format('drop policy %I on public.tasks', name);
            end loop;
        end $$;
        alter table public.tasks disable row level security;
    """,
    "row security is off, and would hold for the owner": """
        alter table public.contacts disable row level security;
        alter table public.contacts force row level security;
    """,
    FORCED: """
        alter table public.tasks force row level security;
        alter table public.contacts force row level security;
        alter table public.deals force row level security;
        alter table public.companies force row level security;
    """,
    "anon reads no table": "revoke all on public.tasks, public.contacts, public.deals, public.companies from anon",
    "users write few tables": """
        revoke insert, update, delete on public.tasks, public.contacts, public.deals from authenticated;
        revoke all on public.companies from service_role;
    """,
    "a policy asks what anon may not read": """
        create policy asking on public.tasks using (exists (select from public.tags));
        revoke all on public.tags from anon;
    """,
    "a view of their own refuses": """
        create view public.board with (security_invoker = on) as select stage, count(*) from public.deals group by 1;
        revoke all on public.deals from anon, authenticated;
    """,
    "a view of their own fails when read": BROKEN,
}


@pytest.fixture
def other_owner(server: Server) -> Iterator[str]:
    """A role of which the tables' owner is a member, for as long as the database stands."""
    name = f"crm_{secrets.token_hex(6)}"
    with postgres.connect(server.admin_url(), autocommit=True) as admin:
        role, owner = sql.Identifier(name), sql.Identifier(embedded.OWNER)
        admin.execute(sql.SQL("create role {}; grant {} to {}").format(role, role, owner))
        yield name
        admin.execute(sql.SQL("drop role {}").format(role))


@pytest.fixture
def sees_all(server: Server) -> Iterator[None]:
    """The tables' owner with BYPASSRLS."""
    with postgres.connect(server.admin_url(), autocommit=True) as admin:
        owner = sql.Identifier(embedded.OWNER)
        admin.execute(sql.SQL("alter role {} bypassrls").format(owner))
        yield
        admin.execute(sql.SQL("alter role {} nobypassrls").format(owner))


def lives_through_a_night_and_the_way_back(database: Database, folder: Path) -> None:
    settings = settings_for(database, folder)
    before = state(database.url)
    with postgres.connect(database.admin_url) as admin:
        whole = customers.whole(admin)
    approved(settings)
    run = workflow.execute(confirm=database.name, settings=settings)
    assert run is not None
    assert run.status == "completed"
    verified = workflow.verify(settings=settings)
    assert verified.ok, [check for check in verified.checks if not check.ok]
    assert workflow.revert(confirm=database.name, settings=settings).status == "rolled_back"
    assert state(database.url) == before
    with postgres.connect(database.admin_url) as admin:
        assert customers.differences(whole, customers.whole(admin)) == []


@pytest.mark.parametrize("habit", HABITS)
def test_a_habit_of_a_customer_is_no_fault_of_the_night(
    habit: str, request: pytest.FixtureRequest, sample: Database, tmp_path: Path
) -> None:
    if habit == FORCED:
        request.getfixturevalue("sees_all")
    with postgres.connect(sample.url) as owner:
        owner.execute(HABITS[habit].encode())
    lives_through_a_night_and_the_way_back(sample, tmp_path)


def test_tables_of_several_owners_keep_theirs(other_owner: str, sample: Database, tmp_path: Path) -> None:
    with postgres.connect(sample.admin_url) as admin:
        admin.execute(sql.SQL("grant create on schema public to {}").format(sql.Identifier(other_owner)))
        for table in ("companies", "deals", "dealNotes"):
            admin.execute(
                sql.SQL("alter table {} owner to {}").format(
                    sql.Identifier("public", table), sql.Identifier(other_owner)
                )
            )
        admin.execute(sql.SQL("grant select, insert on public.deals to {}").format(sql.Identifier(embedded.OWNER)))
    lives_through_a_night_and_the_way_back(sample, tmp_path)
