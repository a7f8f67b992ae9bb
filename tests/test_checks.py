"""Every check on both engines: it finds the planted rows, and neither the clean ones nor more in one engine."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest

from conftest import Database
from crm_migrate import catalog as catalogs
from crm_migrate import duck, inputs, postgres, snapshot
from planted import CASES, Source, plant

CHECKS = {check.name: check for check in catalogs.load().checks}
Found = list[tuple[str, str, str]]


def in_postgres(checks: Iterable[catalogs.Check], source: Source) -> Found:
    with postgres.connect(source.url) as connection:
        return sorted(
            (check.name, str(key), detail)
            for check in checks
            for key, detail in connection.execute(check.sql.encode()).fetchall()
        )


def in_duckdb(checks: Iterable[catalogs.Check], source: Source, prelude: str, scratch: Path) -> Found:
    with duck.session(prelude, scratch=scratch) as session:
        snapshot.attach(session, source.snapshot)
        inputs.attach(session, source.inputs)
        return sorted(
            (check.name, str(key), detail)
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
    source = plant(database, tmp_path, given=case["given"], files=case.get("inputs"))
    found = in_postgres([CHECKS[name]], source)
    assert found, "the case plants nothing"
    assert found == sorted((name, key, detail) for key, detail in case["expect"])
    assert found == in_duckdb([CHECKS[name]], source, catalog.prelude, tmp_path / "scratch")


def test_no_check_finds_the_clean_rows_on_either_engine(
    database: Database, catalog: catalogs.Catalog, tmp_path: Path
) -> None:
    source = plant(database, tmp_path)
    assert in_postgres(catalog.checks, source) == []
    assert in_duckdb(catalog.checks, source, catalog.prelude, tmp_path / "scratch") == []
