"""Real PostgreSQL for every test: one server a worker, a fresh database a test, cloned from a template."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from certify import translations
from crm_migrate import catalog as catalogs
from crm_migrate import demo, embedded, postgres
from crm_migrate.demo import database as databases

pytest_plugins = ["browsers", "fixtures_of_nights", "other_server"]
translations.remember()  # a worker asks SQLGlot the same some hundred times, a second each

LONGEST = (  # a worker takes file after file: those that take minutes come first, so that none is left at the end
    *("test_night.py", "test_cli.py", "test_up_down_up.py", "test_abort.py", "test_monitor.py", "test_certify.py"),
    *("test_faults.py", "test_execute_night.py", "test_wayback.py", "test_readmit.py", "test_damaged_files.py"),
    *("test_watch.py", "test_rehearse.py", "test_execute.py", "test_maintenance.py", "test_corruption.py"),
)


@dataclass(frozen=True, slots=True)
class Database:
    """A database of one test; it is dropped when the test ends.

    Attributes:
        url: as its owner, who is no superuser.
        admin_url: the same database as superuser.
    """

    name: str
    url: str
    admin_url: str


@dataclass(frozen=True, slots=True)
class OtherServer:
    """The server of `--test-dsn`, with the addresses that an `embedded.Server` has."""

    dsn: str
    password: str
    bin: Path

    def url(self, database: str = embedded.DATABASE, *, role: str = embedded.OWNER) -> str:
        return make_conninfo(self.dsn, dbname=database, user=role, password=self.password)

    def admin_url(self, database: str = "postgres") -> str:
        return make_conninfo(self.dsn, dbname=database)


Server = embedded.Server | OtherServer


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--test-dsn", metavar="URL", help="run on this server, as its superuser, not on an embedded one")


def pytest_configure() -> None:
    os.environ.setdefault("CRM_TEST_PASSWORD", secrets.token_hex(16))  # xdist's workers inherit it


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the files; the tests of a file stay in their order."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """One server a worker, with the roles of Supabase and the owner of the databases in it."""
    dsn = request.config.getoption("--test-dsn")
    if dsn:
        yield _other_server(dsn)
        return
    workspace = Path(tempfile.mkdtemp(prefix="crm-"))
    try:
        started = embedded.start(workspace)
        with psycopg.connect(started.admin_url(), autocommit=True) as admin:
            admin.execute("alter system set fsync = off")  # the machine's crash is nothing that a test survives
            admin.execute("alter system set max_prepared_transactions = 2")  # which pre-flight is to find
        embedded.stop(workspace)
        started = embedded.start(workspace)
        with postgres.connect(started.admin_url()) as admin:
            databases.make_roles(admin)
        yield started
    finally:
        embedded.stop(workspace)
        shutil.rmtree(workspace, ignore_errors=True)


def _other_server(dsn: str) -> OtherServer:
    found = shutil.which("pg_dump")
    password = os.environ["CRM_TEST_PASSWORD"]
    with postgres.connect(dsn) as admin:
        databases.make_roles(admin)
        for role in (embedded.OWNER, "authenticator"):
            admin.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(role), sql.Literal(password)))
    return OtherServer(dsn, password, Path(found).parent if found else Path())


@pytest.fixture(scope="session")
def catalog() -> catalogs.Catalog:
    """All of `sql/`, loaded once."""
    return catalogs.load()


@pytest.fixture(scope="session")
def empty_template(server: Server) -> Iterator[str]:
    """The name of a database with the schema of `sql/source/` and no rows."""
    with scratch_database(server) as made:
        with postgres.connect(made.url) as owner:
            databases.lay_tables(owner, roles=True)
            databases.lay_keys(owner, roles=True)
        yield made.name


@pytest.fixture
def database(server: Server, empty_template: str) -> Iterator[Database]:
    """A fresh Atomic CRM without rows."""
    with scratch_database(server, template=empty_template) as made:
        yield made


@pytest.fixture(scope="session")
def sample_template(server: Server) -> Iterator[str]:
    """The name of a database with a small clean sample."""
    with scratch_database(server) as made:
        demo.fill(made.url, contacts=300, seed=7)
        yield made.name


@pytest.fixture(scope="session")
def sample_name() -> str:
    """The name of every fresh sample of a worker: a decision is bound to it."""
    return f"crm_{secrets.token_hex(6)}"


@pytest.fixture
def sample(server: Server, sample_template: str, sample_name: str) -> Iterator[Database]:
    """A fresh Atomic CRM with about 300 contacts, clean, the same rows in every test."""
    with scratch_database(server, template=sample_template, name=sample_name) as made:
        yield made


@contextmanager
def scratch_database(server: Server, *, template: str = "template0", name: str = "") -> Iterator[Database]:
    """A database, by default with a name of its own, owned by the demo's owner, dropped at the end whoever is in it."""
    name = name or f"crm_{secrets.token_hex(6)}"
    with postgres.connect(server.admin_url(), autocommit=True) as admin:
        admin.execute(
            sql.SQL("create database {} template {} owner {}").format(
                sql.Identifier(name), sql.Identifier(template), sql.Identifier(embedded.OWNER)
            )
        )
        try:
            yield Database(name, server.url(name), server.admin_url(name))
        finally:
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
