"""The repair script: what it names is gone afterwards, and nothing else has changed."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from psycopg import sql
from rich.console import Console

from conftest import Database, Server, scratch_database
from crm_migrate import assess, demo, events, fixes, inputs, mends, postgres, snapshot, terminal, tools, workflow
from crm_migrate import catalog as catalogs
from crm_migrate.catalog import Catalog
from crm_migrate.errors import CatalogError
from crm_migrate.fixes import Fixes
from nights import settings_for
from planted import CASES, plant

MENDS = {mend.check.name: mend for mend in mends.load(catalogs.load())}
Rows = dict[str, dict[int, dict[str, Any]]]
Found = set[tuple[str, str]]


def made(url: str, catalog: Catalog, folder: Path, *, only: str | None = None) -> Fixes:
    """Take a snapshot into a folder of its own, assess it, by one check or all, and write the script."""
    folder.mkdir(exist_ok=True)
    given = inputs.load(catalog.root / "mappings", None, options={"link_deal_contacts": False})
    taken = snapshot.take(url, folder / "snapshot", emit=events.silent)
    scratch = folder / "scratch"
    asked = replace(catalog, checks=tuple(check for check in catalog.checks if only in (None, check.name)))
    found = assess.assess(taken, asked, given, out=folder, scratch=scratch, emit=events.silent)
    return fixes.write(taken, found, catalog, given, run_id="R1", out=folder, scratch=scratch)


def findings(folder: Path) -> Found:
    return set(pl.read_parquet(folder / "findings.parquet").select("check", "key").rows())


def run(url: str, script: Path) -> None:
    with postgres.connect(url) as connection:
        version = connection.info.server_version
    psql = tools.find("psql", server_version=version)
    assert psql is not None
    arguments, environment = tools.session_of(url)
    done = subprocess.run(
        [psql, "--no-psqlrc", "--quiet", "--file", script, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def rows(url: str) -> Rows:
    """Every row by table and id, its values as text by column."""
    found: Rows = {}
    with postgres.connect(url) as connection:
        for table in postgres.SOURCE_TABLES:
            names = list(postgres.columns(connection, f"public.{table}"))
            listed = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names)
            query = sql.SQL("select id, {} from {}").format(listed, sql.Identifier("public", table))
            found[table] = {key: dict(zip(names, values, strict=True)) for key, *values in connection.execute(query)}
    return found


def changes(before: Rows, after: Rows) -> set[tuple[str, int, str]]:
    """Table, id and column of every value that is not what it was; rows that came or went among them."""
    return {
        (table, key, column)
        for table in before
        for key in before[table].keys() | after[table].keys()
        for column in before[table].get(key, after[table].get(key, {}))
        if before[table].get(key, {}).get(column) != after[table].get(key, {}).get(column)
    }


@pytest.mark.parametrize("name", sorted(MENDS))
def test_a_mend_ends_its_findings_and_changes_nothing_else(
    name: str, database: Database, catalog: Catalog, tmp_path: Path
) -> None:
    case = tomllib.loads((CASES / f"{name}.toml").read_text(encoding="utf-8"))
    source = plant(database, tmp_path, given=case["given"])
    [fix] = made(source.url, catalog, tmp_path / "first", only=name).fixes
    before = rows(source.url)
    run(source.url, tmp_path / "first" / fixes.FIXES)
    after = rows(source.url)
    made(source.url, catalog, tmp_path / "second", only=name)
    found, left = findings(tmp_path / "first"), findings(tmp_path / "second")
    assert left < found
    mended = {int(key) for _check, key in found - left}
    assert fix.mended == len(mended)
    assert {key for _table, key, _column in changes(before, after)} == mended
    columns = {(fix.table.removeprefix("public."), column) for column in fix.sets}
    assert {(table, column) for table, _key, column in changes(before, after)} <= columns


def test_the_script_of_a_dirty_demo_mends_all_that_it_names(server: Server, catalog: Catalog, tmp_path: Path) -> None:
    with scratch_database(server) as dirty:
        demo.fill(dirty.url, contacts=600, dirt=0.3)
        first = made(dirty.url, catalog, tmp_path / "first")
        before = rows(dirty.url)
        run(dirty.url, tmp_path / "first" / fixes.FIXES)
        after = rows(dirty.url)
        second = made(dirty.url, catalog, tmp_path / "second")
        found, left = findings(tmp_path / "first"), findings(tmp_path / "second")
        for fix in first.fixes:
            assert len({finding for finding in found - left if finding[0] == fix.check}) == fix.mended
        assert sum(fix.mended for fix in first.fixes) > 20
        assert [fix for fix in second.fixes if fix.mended] == []
        touched = {(table, key) for table, key, _column in changes(before, after)}
        mended = {fix.check: fix.table.removeprefix("public.") for fix in first.fixes}
        assert touched <= {(mended[check], int(key)) for check, key in found if check in mended}


def test_a_row_that_somebody_mended_since_stays_as_it_is(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    source = plant(database, tmp_path, given="update public.contacts set tags = '{0,null}', first_name = ' Base';")
    made(source.url, catalog, tmp_path / "first")
    with postgres.connect(source.url) as connection:
        connection.execute("update public.contacts set tags = null, first_name = 'Basil'")
    before = rows(source.url)
    run(source.url, tmp_path / "first" / fixes.FIXES)
    assert changes(before, rows(source.url)) == set()


def test_a_row_that_fails_since_is_left_for_the_next_script(
    database: Database, catalog: Catalog, tmp_path: Path
) -> None:
    source = plant(database, tmp_path, given="update public.contacts set first_name = ' Base';")
    made(source.url, catalog, tmp_path / "first")
    with postgres.connect(source.url) as connection:
        connection.execute("insert into public.contacts (id, first_name, last_name) values (7, ' New', 'Contact')")
    before = rows(source.url)
    run(source.url, tmp_path / "first" / fixes.FIXES)
    assert changes(before, rows(source.url)) == {("contacts", 0, "first_name")}


def test_what_the_snapshot_cannot_hold_is_left_to_people(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    source = plant(database, tmp_path, given="update public.contacts set tags = '{{0,null},{0,0}}';")
    written = made(source.url, catalog, tmp_path / "first")
    assert {fix.check: (fix.found, fix.mended) for fix in written.fixes if fix.found} == {
        "contacts.null_tag": (1, 0),
        "contacts.repeated_tag": (1, 0),
    }
    assert written.left == {"contacts.null_tag": 1, "snapshot.dimensions": 1}
    before = rows(source.url)
    run(source.url, tmp_path / "first" / fixes.FIXES)
    assert changes(before, rows(source.url)) == set()


def test_each_statement_says_what_it_does_to_how_many_rows_and_why(
    database: Database, catalog: Catalog, tmp_path: Path
) -> None:
    source = plant(database, tmp_path, given="update public.deals set contact_ids = '{0,null}';")
    written = made(source.url, catalog, tmp_path / "first")
    script = Path(written.file).read_text(encoding="utf-8")
    assert (
        "-- deals.null_contact (warning): 1 of 1 rows found are mended.\n-- A null inside deals.contact_ids" in script
    )
    assert max(map(len, script.splitlines())) <= 132  # the checks' own lines stand indented


def test_a_clean_source_needs_no_repair(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    source = plant(database, tmp_path)
    assert made(source.url, catalog, tmp_path / "first").fixes == ()
    run(source.url, tmp_path / "first" / fixes.FIXES)


def test_the_command_writes_the_script_into_the_runs_folder(sample: Database, tmp_path: Path) -> None:
    settings = settings_for(sample, tmp_path)
    with postgres.connect(sample.url) as connection:
        connection.execute("update public.contacts set tags = '{1,null}' where id = 3")
    workflow.assess(settings=settings)
    written = workflow.fixes(settings=settings)
    assert Path(written.file) == workflow.run_folder(settings=settings) / "fixes.sql"
    assert [(fix.check, fix.mended) for fix in written.fixes if fix.severity == "warning"] == [("contacts.null_tag", 1)]
    console = Console(record=True, width=160)
    console.print(terminal.fixes(written))
    assert "0 findings with a warning or a blocker are left" in " ".join(console.export_text().split())


@pytest.mark.parametrize(
    ("name", "header", "statement", "reason"),
    [
        ("nothing", "tags.nothing", "update public.tags set name = ''", "there is no check"),
        ("blank_name", "tags.x", "update public.tags set name = ''", "its path says"),
        ("blank_name", "tags.blank_name", "delete from public.tags", "begins with 'update public.tags'"),
        ("blank_name", "tags.blank_name", "update public.deals set name = ''", "begins with 'update public.tags'"),
        ("blank_name", "tags.blank_name", "update public.tags set color = ''", "does not set name"),
    ],
)
def test_a_mend_that_breaks_its_contract_is_named(
    name: str, header: str, statement: str, reason: str, tmp_path: Path
) -> None:
    root = tmp_path / "sql"
    shutil.copytree(catalogs.default_root(), root)
    text = f"-- mend: {header}\n-- sets: name\n-- why: x\n\n{statement}\n"
    (root / "checks" / "tags" / f"{name}.mend.sql").write_text(text, encoding="utf-8")
    with pytest.raises(CatalogError, match=reason):
        mends.load(catalogs.load(root))
