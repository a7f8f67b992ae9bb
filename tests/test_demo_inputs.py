"""The sample of the analyst's files: right for the rows it comes with, the same for the same seed, never for others."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from conftest import Database, Server, scratch_database
from crm_migrate import catalog as catalogs
from crm_migrate import demo, duck, embedded, inputs, postgres, snapshot, workflow
from crm_migrate import settings as settings_module
from crm_migrate.events import silent
from nights import settings_for

NAMES = ("advocacy", "opportunity_roles", "organizations", "products", "relationships")


@pytest.fixture
def empty(server: Server) -> Iterator[Database]:
    """A database with nothing in it."""
    with scratch_database(server) as made:
        yield made


def made(database: Database, folder: Path, *, contacts: int, seed: int = 42, dirt: float = 0.0) -> dict[str, bytes]:
    demo.fill(database.url, contacts=contacts, seed=seed, dirt=dirt, inputs=folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_seed_gives_the_same_files_and_another_seed_others(empty: Database, tmp_path: Path) -> None:
    first = made(empty, tmp_path / "one", contacts=300)
    assert sorted(first) == [f"{name}.csv" for name in NAMES]
    assert made(empty, tmp_path / "two", contacts=300) == first
    assert made(empty, tmp_path / "two", contacts=300, seed=43) != first


@pytest.mark.parametrize(("contacts", "dirt"), [(1_500, 0.0), (1_500, 0.3), (150, 1.0), (1, 0.0), (1, 1.0)])
def test_no_check_finds_anything_in_the_files_whatever_dirt_was_planted(
    contacts: int, dirt: float, empty: Database, catalog: catalogs.Catalog, tmp_path: Path
) -> None:
    made(empty, tmp_path / "inputs", contacts=contacts, dirt=dirt)
    given = inputs.load(catalog.root / "mappings", tmp_path / "inputs", options={})
    taken = snapshot.take(empty.url, tmp_path / "snapshot", emit=silent)
    with duck.session(catalog.prelude, scratch=tmp_path / "scratch") as session:
        snapshot.attach(session, taken)
        inputs.attach(session, given)
        found = {
            check.name: duck.run(session, check.sql, origin=check.name).fetchall()
            for check in catalog.checks
            if check.name.startswith("inputs.")
        }
    assert found
    assert not any(found.values())


def test_every_part_of_the_business_appears(empty: Database, catalog: catalogs.Catalog, tmp_path: Path) -> None:
    made(empty, tmp_path, contacts=2_000)
    tables = inputs.load(catalog.root / "mappings", tmp_path, options={}).tables
    assert all(tables[name].rows for name in NAMES)
    rows = [dict(zip((c.name for c in tables["organizations"].columns), row, strict=True)) for row in
            tables["organizations"].rows]  # fmt: skip
    assert {row["organization_type"] for row in rows} >= {"principal", "distributor", None}
    assert any(row["parent_company_id"] is not None for row in rows)


def test_a_demo_with_the_sample_is_migrated_with_principals_products_and_relationships(
    empty: Database, tmp_path: Path
) -> None:
    made(empty, tmp_path / "inputs", contacts=1_000)
    settings = settings_for(empty, tmp_path, inputs=tmp_path / "inputs")
    assert workflow.assess("new", settings=settings).warning_rows == 0
    predicted = workflow.dry_run(settings=settings)
    for target in ("contact_preferred_principals", "products", "principal_distributor_relationships"):
        assert predicted.new_entities[target] > 0
    assert not predicted.rejects_by_reason
    workflow.decide(approved_by="Tess Ter", settings=settings)
    run = workflow.execute(confirm=empty.name, settings=settings)
    assert run is not None
    assert run.status == "completed"
    assert workflow.verify(settings=settings).ok


# whose files they are


@pytest.fixture
def workspace() -> Iterator[Path]:
    """A workspace of its own, with a path short enough for a socket; its server is stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="crm-", ignore_cleanup_errors=True) as folder:
        try:
            yield Path(folder)
        finally:
            embedded.stop(Path(folder))


def test_only_the_embedded_demo_is_read_with_its_sample(workspace: Path) -> None:
    settings = settings_module.load(workspace=workspace, database_url=None, inputs=None)
    assert demo.inputs_of(settings) is None
    assert not embedded.is_running(workspace)
    made = demo.create(settings, contacts=30)
    assert demo.inputs_of(settings) == made.inputs == workspace / "demo" / "inputs"
    own = settings.model_copy(update={"inputs": workspace / "own"})
    assert demo.inputs_of(own) == workspace / "own"
    with psycopg.connect(embedded.start(workspace).admin_url(), autocommit=True) as admin:
        admin.execute("comment on database atomic_crm is 'the real one, restored here to try it'")
    assert demo.inputs_of(settings) is None


def test_a_database_that_was_named_gets_no_sample_unasked(empty: Database, tmp_path: Path) -> None:
    settings = settings_for(empty, tmp_path)
    made = demo.create(settings, contacts=5)
    assert made.inputs == settings.workspace / "demo" / "inputs_named"
    (settings.workspace / "demo" / "inputs").mkdir()
    assert demo.inputs_of(settings) is None


def test_files_of_an_earlier_demo_are_gone_before_its_rows_are(empty: Database, tmp_path: Path) -> None:
    made(empty, tmp_path / "inputs", contacts=20)

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo.fill(empty.url, contacts=20, inputs=tmp_path / "inputs", emit=stop)
    assert not (tmp_path / "inputs").exists()


def test_the_sample_needs_no_more_than_reading(empty: Database, tmp_path: Path) -> None:
    made(empty, tmp_path, contacts=100)
    with postgres.connect(empty.url) as connection:
        connection.execute("set transaction read only")
        demo.analyst.write(connection, tmp_path / "again", seed=42)
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()} == {
        path.name: path.read_bytes() for path in tmp_path.glob("*.csv")
    }
