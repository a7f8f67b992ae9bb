"""PostgreSQL's SELECTs in DuckDB: the same answers, also where a plain translation would differ in silence."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from conftest import Database
from crm_migrate import duck, postgres
from crm_migrate.catalog import Catalog
from crm_migrate.duck import Session
from crm_migrate.errors import MigrationError, UsageError

THINGS = """
    create table public."Things" (id bigint, n integer, amount bigint, ids bigint[], doc {json}, moment timestamptz);
    insert into public."Things" values
        (0, 7, 9007199254740993, array[1, null, 1], '[{{"a": "x"}}, null, 5, "s", {{}}]', '2024-03-31 00:30:00+00'),
        (1, -7, -3, array[]::bigint[], '[]', 'infinity'),
        (2, 0, 0, null, null, null);
"""


@pytest.fixture
def session(catalog: Catalog, tmp_path: Path) -> Iterator[Session]:
    with duck.session(catalog.prelude, scratch=tmp_path) as made:
        made.execute(THINGS.format(json="json"))
        yield made


@pytest.mark.parametrize(
    "query",
    [
        'select id, n / 2, div(n, 2), n % 4 from public."Things"',
        'select id, sum(amount), avg(n) from public."Things" group by id having id = 0',
        'select id, cardinality(ids) from public."Things"',
        'select id, unnest(ids) as one from public."Things"',
        'select things.id, one.id from public."Things" as things cross join unnest(things.ids) as one (id)',
        "select id, cast(jsonb_array_elements(doc) as text) <> 'null' as entry from public.\"Things\"",
        'select id, jsonb_typeof(jsonb_array_elements(doc)) as kind from public."Things"',
        'with things as (select id, jsonb_array_elements(doc) as entry from public."Things") '
        "select id, entry ->> 'a', entry ->> 'a' is null, jsonb_typeof((entry -> 'a')) from things",
        'select id, jsonb_array_length(doc) from public."Things"',
        'select id, cast(to_jsonb(n) as text) from public."Things"',
        "select id, cast(cast(moment at time zone 'UTC' as date) as text), isfinite(moment) from public.\"Things\"",
        "select id from public.\"Things\" where moment > timestamptz '2100-01-01 00:00+00'",
        "select quote_literal('it''s'), quote_literal('a\\b'), quote_literal(''), quote_literal(null)",
        "select btrim('\t x \t', ' '), btrim('  x '), btrim(chr(160) || 'x', ' '), lower('ABC')",
        r"select 'a b' ~ '\s', 'AB' ~* 'ab', 'x' !~ '\S', E'\x07' ~ '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]'",
        "select jsonb_typeof(cast('-1' as jsonb)), jsonb_typeof(cast('1e400' as jsonb)), jsonb_typeof('true'::jsonb)",
        "select jsonb_typeof(cast('99999999999999999999999' as jsonb)), jsonb_typeof(cast('null' as jsonb))",
        "select concat_ws(', ', null, 'a', null, 'b'), coalesce(concat_ws(', ', null), 'none')",
        "select string_agg(cast(id as text), ', ' order by id desc) from public.\"Things\"",
    ],
)
def test_both_engines_give_the_same_rows(query: str, session: Session, database: Database) -> None:
    with postgres.connect(database.url) as connection:
        connection.execute(THINGS.format(json="jsonb").encode())
        wanted = connection.execute(query.encode()).fetchall()
    found = duck.run(session, query, origin="test").fetchall()
    assert sorted(found, key=str) == sorted(wanted, key=str)


def test_a_statement_that_cannot_be_read_names_its_origin(session: Session) -> None:
    with pytest.raises(MigrationError, match=r"models/x\.sql cannot be translated"):
        duck.run(session, "select from where", origin="models/x.sql")


@pytest.mark.parametrize("query", ["select nobody from public.nowhere", "select no_such_function(1)"])
def test_a_statement_that_duckdb_refuses_names_its_origin(query: str, session: Session) -> None:
    with pytest.raises(MigrationError, match=r"models/x\.sql fails in DuckDB") as caught:
        duck.run(session, query, origin="models/x.sql")
    assert isinstance(caught.value.__cause__, duckdb.Error)


def test_what_is_duckdbs_already_runs_as_it_is(session: Session) -> None:
    assert duck.execute(session, "select list_sum([1, 2])", origin="test").fetchone() == (3,)
    with pytest.raises(MigrationError, match="test fails in DuckDB"):
        duck.execute(session, "select 1 +", origin="test")


def test_names_and_texts_are_quoted(session: Session) -> None:
    name, text = 'public."odd" name', "it's \\ odd"
    session.execute(f"create table {duck.quoted(name)} as select {duck.literal(text)} as value")
    assert duck.quoted(name) == '"public"."""odd"" name"'
    assert session.execute(f"select value from {duck.quoted(name)}").fetchall() == [(text,)]


def test_a_session_fetches_no_extension_and_its_clock_is_in_utc(session: Session) -> None:
    settings = session.execute(
        "select current_setting('autoinstall_known_extensions'), current_setting('TimeZone')"
    ).fetchone()
    assert settings == (False, "UTC")


def test_a_session_leaves_nothing_behind(catalog: Catalog, tmp_path: Path) -> None:
    with duck.session(catalog.prelude, scratch=tmp_path / "scratch") as made:
        made.execute("create table big as select range as id, repeat('x', 100) as text from range(100000)")
    assert list((tmp_path / "scratch").rglob("*")) == []
    with pytest.raises(duckdb.ConnectionException):
        made.execute("select 1")


def test_the_columns_of_an_expression_are_told_once_each() -> None:
    assert sorted(duck.columns_of("(deleted_at is null and a > b) or a = 1")) == ["a", "b", "deleted_at"]
    assert duck.columns_of("") == []


def test_a_query_that_is_interrupted_ends_as_ctrl_c_does(tmp_path: Path) -> None:
    strike = threading.Timer(0.3, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    with pytest.raises(KeyboardInterrupt), duck.session("set threads = 1", scratch=tmp_path) as session:
        strike.start()
        duck.execute(session, "select sum(hash(range)) from range(100000000000)", origin="test").fetchall()


def test_a_disk_that_is_full_is_no_fault_of_a_query(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No space left"), duck.session("", scratch=tmp_path) as session:
        duck.execute(session, "copy (select range from range(1000000)) to '/dev/full' (format csv)", origin="test")
