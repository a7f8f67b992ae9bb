"""Old clients cannot tell (D5): the statements of tests/legacy/ answer on a migrated CRM as they did before.

Each case runs on a fresh sample and on its migrated copy, in a transaction that is rolled back. Compared are each
statement's rows, or its SQLSTATE where it fails, and afterwards every row of every legacy relation. Two things may
differ: summaries and tables that keep their names may have more columns at their end (`-- wider: yes`), and a deal's
updated_at may have been touched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.pq import ExecStatus

from conftest import Database, scratch_database
from crm_migrate import demo, workflow
from crm_migrate.postgres import Connection
from nights import approved, settings_for
from other_server import scratch_database15
from test_source import COLUMNS

FOLDER = Path(__file__).parent / "legacy"
STATEMENTS_AT_LEAST = 60
FIRST_NEW_ID = 600_000
CLAIMS = json.dumps({"sub": "3bb4d8aa-6777-8eec-55c1-77de903e0634", "role": "authenticated"})
MAY_BE_TOUCHED = {"deals": "updated_at"}


@dataclass(frozen=True, slots=True)
class Case:
    """What an old client does.

    Attributes:
        wider: whether rows may have more columns at their end than before.
    """

    name: str
    role: str
    wider: bool
    statements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one statement gave: its rows as PostgreSQL writes them, or the SQLSTATE of its failure."""

    status: str
    columns: tuple[tuple[str, int], ...]
    rows: tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Sides:
    """The same CRM twice, seen by its superuser."""

    before: Connection
    after: Connection


def read(path: Path) -> list[Case]:
    """The cases of a file: `-- case:` opens one, `-- as:` names its role, a semicolon at a line's end its statement."""
    cases = []
    for block in re.split(r"^-- case: ", path.read_text(), flags=re.MULTILINE)[1:]:
        name, _, body = block.partition("\n")
        header = dict(re.findall(r"^-- (as|wider): (.*)$", body, flags=re.MULTILINE))
        text = re.sub(r"^-- .*\n", "", body, flags=re.MULTILINE)
        statements = tuple(part.strip() for part in re.split(r";$", text, flags=re.MULTILINE) if part.strip())
        cases.append(Case(name, header.get("as", "authenticated"), header.get("wider") == "yes", statements))
    return cases


CASES = [case for path in sorted(FOLDER.glob("*.sql")) for case in read(path)]


@pytest.fixture(scope="module", params=["the embedded server", "PostgreSQL 15"])
def sides(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    """A sample and its migrated copy, once on each server."""
    with ExitStack() as stack:
        if request.param == "the embedded server":
            server, template = request.getfixturevalue("server"), request.getfixturevalue("sample_template")
            migrated = request.getfixturevalue("migrated_template").database.name
            before = stack.enter_context(scratch_database(server, template=template))
            after = stack.enter_context(scratch_database(server, template=migrated))
        else:
            server15 = request.getfixturevalue("supabase15")
            before = stack.enter_context(scratch_database15(server15))
            demo.fill(before.url, contacts=300, seed=7)
            after = stack.enter_context(scratch_database15(server15, template=before.name))
            settings = settings_for(after, tmp_path_factory.mktemp("night15"))
            approved(settings)
            workflow.execute(confirm=after.name, settings=settings)
        yield Sides(stack.enter_context(session(before)), stack.enter_context(session(after)))


def session(database: Database) -> Connection:
    return psycopg.connect(database.admin_url, autocommit=True)


def test_the_suite_is_as_large_as_it_should_be() -> None:
    assert sum(len(case.statements) for case in CASES) >= STATEMENTS_AT_LEAST
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_old_client_gets_the_answer_of_before(case: Case, sides: Sides) -> None:
    expected, changed_before = done(case, sides.before)
    found, changed_after = done(case, sides.after)
    for statement, old, new in zip(case.statements, expected, found, strict=True):
        assert (narrowed(new, old) if case.wider else new) == old, statement
    for relation in COLUMNS:
        assert changed_after[relation] ^ changed_before[relation] == set(), relation


def done(case: Case, connection: Connection) -> tuple[list[Answer], dict[str, set[str]]]:
    """Run a case and take it back; returns its answers, and the rows that each relation held afterwards."""
    count_on(connection)
    with connection.transaction(force_rollback=True):
        stamps = now(connection)
        connection.execute("select set_config('request.jwt.claims', %s, true)", [CLAIMS])
        connection.execute(sql.SQL("set local role {}").format(sql.Identifier(case.role)))
        answers = [answer(connection, statement, stamps) for statement in case.statements]
        connection.execute("reset role")
        return answers, {relation: content(connection, relation, stamps) for relation in COLUMNS}


def count_on(connection: Connection) -> None:
    """Let both sides' sequences go on from the same number, whatever other cases took of them."""
    connection.execute(
        """
        select setval(pg_get_serial_sequence(classes.oid::regclass::text, 'id'), %s)
        from pg_catalog.pg_class as classes
        inner join pg_catalog.pg_attribute as attributes on attributes.attrelid = classes.oid
        where classes.relnamespace = 'public'::regnamespace and attributes.attname = 'id'
            and attributes.attidentity = 'd'
        """,
        [FIRST_NEW_ID],
    )


def now(connection: Connection) -> tuple[str, ...]:
    """The transaction's time, as text and within JSON."""
    row = connection.execute("select now()::text, to_json(now()) #>> '{}'").fetchone()
    assert row is not None
    return tuple(row)


def answer(connection: Connection, statement: str, stamps: tuple[str, ...]) -> Answer:
    """The statement's own savepoint lets the next one run where it fails."""
    try:
        with connection.transaction():
            result = connection.execute(statement.encode()).pgresult
    except psycopg.Error as error:
        return Answer(error.sqlstate or "", (), ())
    assert result is not None
    if result.status != ExecStatus.TUPLES_OK:
        return Answer((result.command_status or b"").decode(), (), ())
    columns = range(result.nfields)
    return Answer(
        (result.command_status or b"").decode(),
        tuple(((result.fname(column) or b"").decode(), base_type(result.ftype(column))) for column in columns),
        tuple(
            tuple(text(result.get_value(row, column), stamps) for column in columns) for row in range(result.ntuples)
        ),
    )


def base_type(oid: int) -> int:
    """A type of PostgreSQL's own; 0 for one that a database made, whose number differs."""
    return oid if oid < 16_384 else 0


def text(value: bytes | None, stamps: tuple[str, ...]) -> str | None:
    if value is None:
        return None
    found = value.decode()
    for stamp in stamps:
        found = found.replace(stamp, "now")
    return found


def narrowed(new: Answer, old: Answer) -> Answer:
    """The new answer without what stands behind the old one's columns."""
    width = len(old.columns)
    return Answer(new.status, new.columns[:width], tuple(row[:width] for row in new.rows))


def content(connection: Connection, relation: str, stamps: tuple[str, ...]) -> set[str]:
    """Every row of a legacy relation, with its legacy columns alone."""
    columns = [column.split()[0] for column in COLUMNS[relation].split(", ")]
    query = sql.SQL("select row({})::text from {}").format(
        sql.SQL(", ").join(sql.Identifier(name) for name in columns if name != MAY_BE_TOUCHED.get(relation)),
        sql.Identifier("public", relation),
    )
    return {text(row.encode(), stamps) or "" for (row,) in connection.execute(query)}


@pytest.mark.parametrize(
    "statement",
    [
        "truncate public.deals",
        "copy public.deals to stdout",
        "select id from public.deals tablesample system (50)",
        "insert into public.deals (name, stage) values ('a', 'won') on conflict on constraint deals_pkey do nothing",
        "select ctid from public.deals",
        "alter table public.deals add column shoe_size integer",
    ],
)
def test_what_a_view_cannot_do_is_refused(statement: str, sides: Sides) -> None:
    """The README tells of these: they need the table, which is `opportunities` now."""
    with pytest.raises(psycopg.Error), sides.after.transaction(force_rollback=True):
        sides.after.execute(statement.encode())
