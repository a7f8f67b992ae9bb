"""Every check on both engines: it finds the planted rows, and neither the clean ones nor more in one engine."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from crm_migrate import catalog as catalogs
from crm_migrate import duck, events, inputs, postgres, snapshot
from conftest import Database

CASES = Path(__file__).parent / "checks"
CHECKS = {check.name: check for check in catalogs.load().checks}
Found = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Source:
    """A database with its inputs in it, and the snapshot of it."""

    url: str
    inputs: inputs.Inputs
    snapshot: snapshot.Snapshot


def source(database: Database, folder: Path, *, given: str = "", files: dict[str, str] | None = None) -> Source:
    """Fill a database with the clean rows and what is given, and take its snapshot."""
    analyst = folder / "inputs"
    analyst.mkdir()
    for name, content in (files or {}).items():
        (analyst / name).write_text(content, encoding="utf-8")
    read = inputs.load(catalogs.default_root() / "mappings", analyst, options={"link_deal_contacts": False})
    with postgres.connect(database.url) as connection:
        connection.execute((CASES / "base.sql").read_bytes())
        connection.execute(given.encode())
        connection.execute("create schema migration")
        inputs.store(connection, read)
    return Source(database.url, read, snapshot.take(database.url, folder / "snapshot", emit=events.silent))


def in_postgres(check: catalogs.Check, from_: Source) -> Found:
    with postgres.connect(from_.url) as connection:
        return sorted((str(key), detail) for key, detail in connection.execute(check.sql.encode()))


def in_duckdb(checks: list[catalogs.Check], from_: Source, prelude: str, scratch: Path) -> Found:
    with duck.session(prelude, scratch=scratch) as session:
        snapshot.attach(session, from_.snapshot)
        inputs.attach(session, from_.inputs)
        return sorted(
            (str(key), detail)
            for check in checks
            for key, detail in duck.run(session, check.sql, origin=check.name).fetchall()
        )


def test_every_check_has_a_case_and_every_case_a_check() -> None:
    assert sorted(path.stem for path in CASES.glob("*.toml")) == sorted(CHECKS)


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_a_check_finds_the_planted_rows_on_both_engines(
    name: str, database: Database, catalog: catalogs.Catalog, tmp_path: Path
) -> None:
    case = tomllib.loads((CASES / f"{name}.toml").read_text(encoding="utf-8"))
    planted = source(database, tmp_path, given=case["given"], files=case.get("inputs"))
    found = in_postgres(CHECKS[name], planted)
    assert found == sorted((key, detail) for key, detail in case["expect"])
    assert found, "the case plants nothing"
    assert found == in_duckdb([CHECKS[name]], planted, catalog.prelude, tmp_path / "scratch")


def test_no_check_finds_the_clean_rows_on_either_engine(
    database: Database, catalog: catalogs.Catalog, tmp_path: Path
) -> None:
    clean = source(database, tmp_path)
    assert [(check.name, in_postgres(check, clean)) for check in catalog.checks if in_postgres(check, clean)] == []
    assert in_duckdb(list(catalog.checks), clean, catalog.prelude, tmp_path / "scratch") == []
