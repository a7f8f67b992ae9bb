"""Sessions: one clear paragraph when there is none to be had, one run at a time, and a second try where it helps."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import errors as pg
from psycopg.conninfo import make_conninfo

from conftest import Database
from crm_migrate import embedded, postgres, runners
from crm_migrate.errors import NotAtomicCrm, Refused, ServerUnreachable, Stopped, UsageError

SECRET = "open-sesame"


@pytest.fixture
def strict_server() -> Iterator[embedded.Server]:
    """A server that asks role `keeper` for a password."""
    with tempfile.TemporaryDirectory(prefix="crm-", ignore_cleanup_errors=True) as folder:
        try:
            server = embedded.start(Path(folder))
            with psycopg.connect(server.admin_url(), autocommit=True) as admin:
                admin.execute(f"create role keeper login password '{SECRET}'".encode())
                rules = server.folder / "pg_hba.conf"
                rules.write_text(f"local all keeper scram-sha-256\n{rules.read_text()}")
                admin.execute("select pg_reload_conf()")
            yield server
        finally:
            embedded.stop(Path(folder))


# no session


@pytest.mark.parametrize(
    ("url", "place"),
    [
        (f"postgresql://crm:{SECRET}@127.0.0.1:1/crm", "127.0.0.1"),
        (f"host=/no/such/folder dbname=crm user=crm password={SECRET}", "/no/such/folder"),
        (f"postgresql://crm:{SECRET}@no-such-host.invalid/crm", "no-such-host.invalid"),
    ],
)
def test_a_wrong_host_is_named_without_the_password(url: str, place: str) -> None:
    with pytest.raises(ServerUnreachable) as raised:
        postgres.connect(url)
    assert f"no session with database 'crm' on {place}" in str(raised.value)
    assert "host and port" in raised.value.hint
    assert SECRET not in f"{raised.value} {raised.value.hint}"
    assert (raised.value.exit_code, raised.value.__cause__) == (2, None)


def test_a_wrong_database_is_named(database: Database) -> None:
    with pytest.raises(ServerUnreachable, match='database "no_such_one" does not exist') as raised:
        postgres.connect(make_conninfo(database.url, dbname="no_such_one"))
    assert "crm-migrate demo" in raised.value.hint


def test_a_wrong_password_is_said_to_be_one(strict_server: embedded.Server) -> None:
    url = make_conninfo(strict_server.url("postgres", role="keeper"), password="guessed")
    with pytest.raises(ServerUnreachable, match="password authentication failed") as raised:
        postgres.connect(url)
    assert "password" in raised.value.hint
    assert "guessed" not in f"{raised.value} {raised.value.hint}"


def test_the_right_password_lets_in(strict_server: embedded.Server) -> None:
    url = make_conninfo(strict_server.url("postgres", role="keeper"), password=SECRET)
    with postgres.connect(url) as connection:
        assert postgres.who_am_i(connection).role == "keeper"


def test_what_is_no_address_is_a_usage_error_that_does_not_repeat_it() -> None:
    with pytest.raises(UsageError, match="not a libpq URI") as raised:
        postgres.connect(f"mysql//{SECRET}")
    assert SECRET not in str(raised.value)


# who and where


def test_a_session_knows_where_it_is(database: Database) -> None:
    with postgres.connect(database.url, purpose="test") as connection:
        server = postgres.who_am_i(connection)
        name = connection.info.get_parameters()["application_name"]
    assert runners.runner_of(name) == runners.Runner("test", os.getpid(), socket.gethostname())
    assert (server.database, server.role, server.superuser, server.migrated) == (
        database.name,
        embedded.OWNER,
        False,
        False,
    )
    assert server.version >= 150000


def test_a_killed_runner_does_not_hold_the_lock_until_its_statement_ends(database: Database) -> None:
    program = """if True:
        import sys
        from crm_migrate import postgres
        with postgres.connect(sys.argv[1], autocommit=True) as connection, postgres.migration_lock(connection):
            print("at work", flush=True)
            connection.execute("select pg_sleep(600)")
    """
    runner = subprocess.Popen([sys.executable, "-c", program, database.url], stdout=subprocess.PIPE, text=True)
    try:
        assert runner.stdout is not None
        assert runner.stdout.readline() == "at work\n"
        runner.kill()
        with postgres.connect(database.url, autocommit=True) as connection:
            deadline = time.monotonic() + 60
            while postgres.lock_holder(connection) is not None:
                assert time.monotonic() < deadline
                time.sleep(0.1)
    finally:
        runner.kill()
        runner.communicate()


def test_a_database_whose_texts_have_no_encoding_is_none_of_ours(database: Database) -> None:
    name = f"{database.name}_ascii"
    with postgres.connect(database.admin_url, autocommit=True) as admin:
        admin.execute(f"create database {name} template template0 encoding 'SQL_ASCII' locale 'C'".encode())
        try:
            with (
                postgres.connect(make_conninfo(database.admin_url, dbname=name)) as connection,
                pytest.raises(NotAtomicCrm, match="SQL_ASCII") as raised,
            ):
                postgres.require_atomic_crm(connection)
        finally:
            admin.execute(f"drop database {name} with (force)".encode())
    assert "UTF8" in raised.value.hint


def test_a_database_that_is_no_atomic_crm_is_told_what_it_lacks(database: Database) -> None:
    with postgres.connect(database.url) as connection:
        connection.execute("drop table public.tasks cascade")
        with pytest.raises(NotAtomicCrm, match="schema public lacks tasks"):
            postgres.require_atomic_crm(connection)


def test_a_role_that_row_level_security_blinds_is_told_for_which_tables(database: Database) -> None:
    with postgres.connect(database.url) as connection:
        connection.execute("set role authenticated")
        with pytest.raises(NotAtomicCrm, match=r"authenticated does not see every row of companies, contactNotes"):
            postgres.require_atomic_crm(connection)


def test_columns_leave_out_the_dropped_ones(database: Database) -> None:
    with postgres.connect(database.url) as connection:
        names = list(postgres.columns(connection, "public.contacts"))
    assert names[4:7] == ["title", "background", "avatar"]


@pytest.mark.parametrize(
    ("name", "quoted"), [("public.contactNotes", '"public"."contactNotes"'), ('a"b', '"a""b"'), ("deals", '"deals"')]
)
def test_names_are_quoted_part_by_part(name: str, quoted: str) -> None:
    assert postgres.table_name(name).as_string() == quoted


# the lock


def test_a_second_run_is_refused_and_told_who_holds_the_lock(database: Database) -> None:
    with (
        postgres.connect(database.url, purpose="first") as first,
        postgres.connect(database.url) as second,
        postgres.migration_lock(first),
    ):
        with pytest.raises(
            Refused, match=rf"`crm-migrate first`, process {os.getpid()} on host .* since .* UTC"
        ) as raised:
            postgres.migration_lock(second).__enter__()
        assert f"session {first.info.backend_pid} " in str(raised.value)
        assert (raised.value.exit_code, "pause" in raised.value.hint) == (4, True)


def test_the_lock_is_free_again_afterwards_even_when_the_work_failed(database: Database) -> None:
    with postgres.connect(database.url) as first, postgres.connect(database.url) as second:
        with pytest.raises(pg.DivisionByZero), postgres.migration_lock(first):
            first.execute("select 1 / 0")
        with postgres.migration_lock(second):
            holder = postgres.lock_holder(first)
            assert holder is not None
            assert holder.pid == second.info.backend_pid


def test_a_lock_ends_with_its_session(database: Database) -> None:
    with postgres.connect(database.url) as second:
        first = postgres.connect(database.url)
        lost = pytest.raises(psycopg.OperationalError)
        with lost, first, postgres.migration_lock(first):
            second.execute("select pg_terminate_backend(%s, 30000)", [first.info.backend_pid])
            first.execute("select 1")
        with postgres.migration_lock(second):
            holder = postgres.lock_holder(second)
            assert holder is not None
            assert holder.pid == second.info.backend_pid


def test_what_ended_the_work_is_told_though_the_lock_went_with_its_session(database: Database) -> None:
    with postgres.connect(database.url) as second:
        first = postgres.connect(database.url)
        with pytest.raises(Stopped, match="as asked"), first, postgres.migration_lock(first):
            second.execute("select pg_terminate_backend(%s, 30000)", [first.info.backend_pid])
            raise Stopped("as asked")
        with postgres.migration_lock(second):
            pass


def test_a_lock_in_one_database_leaves_another_free(database: Database, sample: Database) -> None:
    with (
        postgres.connect(database.url) as here,
        postgres.connect(sample.url) as there,
        postgres.migration_lock(here),
        postgres.migration_lock(there),
    ):
        holder = postgres.lock_holder(there)
        assert holder is not None
        assert holder.pid == there.info.backend_pid


def test_nobody_holds_a_lock_that_nobody_took(database: Database) -> None:
    with postgres.connect(database.url) as connection:
        assert postgres.lock_holder(connection) is None


# time-outs and second tries


def test_limits_are_those_of_the_session(database: Database) -> None:
    with postgres.connect(database.url, autocommit=True) as connection:
        postgres.set_limits(
            connection,
            {"lock_timeout": "1500ms", "statement_timeout": "1min", "idle_in_transaction_session_timeout": "30s"},
        )
        row = connection.execute(
            "select current_setting('lock_timeout'), current_setting('statement_timeout'), "
            "current_setting('idle_in_transaction_session_timeout')"
        ).fetchone()
    assert row == ("1500ms", "1min", "30s")


def test_a_lock_time_out_is_tried_again_until_the_lock_is_free(database: Database) -> None:
    with postgres.connect(database.url) as holder, postgres.connect(database.url) as waiter:
        postgres.set_limits(waiter, {"lock_timeout": "1ms"})
        waiter.commit()
        holder.execute("lock table public.deals")
        pauses: list[float] = []
        said: list[str] = []

        def work() -> int:
            try:
                return waiter.execute("delete from public.deals").rowcount
            except psycopg.Error:
                waiter.rollback()
                raise

        def release_on_the_second(pause: float) -> None:
            pauses.append(pause)
            if len(pauses) == 2:
                holder.rollback()

        assert postgres.retried(work, tries=5, said=said.append, sleep=release_on_the_second) == 0
    assert len(pauses) == 2
    assert [text.split(";")[0] for text in said] == ["SQLSTATE 55P03", "SQLSTATE 55P03"]


def test_what_goes_on_failing_is_raised_in_the_end() -> None:
    def work() -> None:
        raise pg.DeadlockDetected("again and again")

    pauses: list[float] = []
    with pytest.raises(pg.DeadlockDetected):
        postgres.retried(work, tries=9, said=lambda text: None, sleep=pauses.append)
    assert len(pauses) == 9
    assert max(pauses) <= 15


def test_nothing_else_is_tried_again() -> None:
    calls: list[str] = []

    def work() -> None:
        calls.append("called")
        raise pg.UniqueViolation("twice the same key")

    with pytest.raises(pg.UniqueViolation):
        postgres.retried(work, tries=5, said=calls.append, sleep=lambda pause: calls.append("slept"))
    assert calls == ["called"]
