"""Who uses the old names is counted by PostgreSQL itself, by role, without a right or an extension for it."""

from __future__ import annotations

import json
from datetime import date

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from typer.testing import CliRunner

from conftest import Database
from crm_migrate import cli, postgres, usage, workflow
from crm_migrate.settings import Settings

Migrated = tuple[Settings, Database]


def counted(found: usage.Usage) -> dict[tuple[str, str], int]:
    """Statements by old name and role."""
    return {(use.relation, use.role): use.count for use in found.uses if use.source == "counter"}


def read(url: str, role: str, *statements: str, read_only: bool = False) -> None:
    """Let a client run statements as a role, and PostgreSQL note them at once."""
    with psycopg.connect(make_conninfo(url, application_name="old client")) as client:
        client.read_only = read_only
        client.execute(f"set role {role}".encode())
        for statement in statements:
            client.execute(statement.encode())
        client.execute("reset role")
        client.execute("select pg_stat_force_next_flush()")
        client.commit()


def test_statements_through_the_old_names_are_counted_by_role_and_ours_are_not(migrated: Migrated) -> None:
    settings, database = migrated
    workflow.verify(settings=settings)
    assert workflow.observe(settings=settings).uses == ()
    read(database.admin_url, "authenticated", *["select count(*) from public.deals"] * 3, read_only=True)
    read(database.admin_url, "service_role", "update public.deals set amount = 1 where id = 1")
    read(database.admin_url, "authenticated", 'delete from public."dealNotes" where id = 1')
    read(database.admin_url, "authenticated", "select count(*) from public.opportunities")
    expected = {("deals", "authenticated"): 3, ("deals", "service_role"): 1, ("dealNotes", "authenticated"): 1}
    assert counted(workflow.observe(settings=settings)) == expected
    assert counted(workflow.observe(settings=settings)) == expected
    read(database.admin_url, "authenticated", "select count(*) from public.deals")
    found = workflow.observe(settings=settings)
    assert counted(found) == expected | {("deals", "authenticated"): 4}
    assert found.uses[0].who == "authenticated"
    saved = json.loads((workflow.run_folder("latest", settings) / "usage.json").read_text())
    assert saved["relations"] == ["deals", "dealNotes"]


def test_a_dump_or_a_role_that_gets_its_rights_later_is_no_use(migrated: Migrated) -> None:
    settings, database = migrated
    workflow.observe(settings=settings)
    with postgres.connect(database.admin_url, autocommit=True) as admin:
        markers = admin.execute("select marker from migration.use_counters").fetchall()
        for (marker,) in markers:  # as pg_dump does
            admin.execute(f"copy migration.\"{marker}\" to '/dev/null'".encode())
        role = admin.info.user
        admin.execute(f'grant select on public.deals to "{role}"'.encode())
        admin.execute("select pg_stat_force_next_flush()")
    assert workflow.observe(settings=settings).uses == ()
    assert workflow.observe(settings=settings).uses == ()
    read(database.admin_url, role, "select from public.deals limit 1")
    assert counted(workflow.observe(settings=settings)) == {("deals", role): 1}


def test_a_session_that_stands_in_a_statement_is_seen_with_its_application_once(migrated: Migrated) -> None:
    settings, database = migrated
    with psycopg.connect(make_conninfo(database.url, application_name="till 4")) as client:
        client.execute("select from public.deals limit 1")
        for _look in range(2):
            found = workflow.observe(settings=settings)
            (seen,) = [use for use in found.uses if use.source == "session"]
            assert (seen.relation, seen.application, seen.count) == ("deals", "till 4", 1)
        assert seen.who.endswith(" from till 4")


def test_counters_that_were_set_back_begin_anew_and_so_does_what_is_known(migrated: Migrated) -> None:
    settings, database = migrated
    read(database.admin_url, "service_role", *["select from public.deals limit 1"] * 5)
    before = workflow.observe(settings=settings)
    assert counted(before) == {("deals", "service_role"): 5}
    with postgres.connect(database.admin_url) as admin:
        admin.execute("select pg_stat_reset()")
    read(database.admin_url, "service_role", "select from public.deals limit 1")
    after = workflow.observe(settings=settings)
    assert counted(after) == {("deals", "service_role"): 6}
    assert before.counted_since is not None
    assert after.counted_since is not None
    assert after.counted_since > before.counted_since


def test_the_command_shows_a_curve_and_gives_json(migrated: Migrated, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, database = migrated
    assert settings.database_url is not None
    monkeypatch.setenv("CRM_MIGRATE_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("CRM_MIGRATE_WORKSPACE", str(settings.workspace))
    monkeypatch.setenv("CRM_MIGRATE_REPORTS", str(settings.reports))
    assert "nobody has used deals and dealNotes" in CliRunner().invoke(cli.app, ["observe"]).stdout
    read(database.admin_url, "authenticated", "select from public.deals limit 1")
    shown = CliRunner().invoke(cli.app, ["observe"], env={"COLUMNS": "200"})
    assert (shown.exit_code, "·█" in shown.stdout) == (0, True)
    document = json.loads(CliRunner().invoke(cli.app, ["observe", "--json"]).stdout)
    assert [(use["role"], use["days"][0][1]) for use in document["uses"]] == [("authenticated", 1)]
    page = workflow.report(settings=settings).read_text()
    assert "1 reader used deals and dealNotes in the last 7 days." in page
    assert "·" * 29 + "█" in page


def test_a_curve_has_a_mark_a_day_and_a_dot_where_nobody_came() -> None:
    drawn = usage.curve({date(2026, 11, 23): 8, date(2026, 11, 21): 1}, date(2026, 11, 23))
    assert drawn == "·" * 27 + "▁·█"
