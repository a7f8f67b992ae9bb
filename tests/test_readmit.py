"""Whatever refuses a row of whatever load: it is set aside, and comes in, once that is mended, as if nothing was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import refused
from conftest import Database, Server, scratch_database
from crm_migrate import catalog as catalogs
from crm_migrate import plan, postgres, readmit, rejects
from crm_migrate.catalog import Catalog
from crm_migrate.readmit import Readmission
from crm_migrate.steps import Context
from nights import State, state

LOADS = refused.loads(catalogs.load())


@pytest.fixture
def context(database: Database, catalog: Catalog, tmp_path: Path) -> Iterator[Context]:
    """A CRM in which every load has ten driving rows; nothing of the plan is applied."""
    with postgres.connect(database.url, autocommit=True) as connection:
        yield refused.context(connection, catalog, tmp_path / "inputs")


@pytest.fixture(scope="session")
def unrefused(
    server: Server, empty_template: str, catalog: Catalog, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[State]:
    """What the plan makes of it where no row is refused."""
    with (
        scratch_database(server, template=empty_template) as made,
        postgres.connect(made.url, autocommit=True) as connection,
    ):
        refused.apply(refused.context(connection, catalog, tmp_path_factory.mktemp("unrefused")))
        yield state(made.url)


@pytest.mark.parametrize("load", LOADS)
def test_a_row_that_any_rule_refuses_is_set_aside_and_comes_in_once_it_is_mended(
    load: str, context: Context, database: Database, unrefused: State
) -> None:
    planted, mended, expected = refused.plant(LOADS[load])
    refused.apply(context, load=load, planted=planted)
    found = rejects.listed(context.connection, "test")
    assert {(reject.step, int(reject.key)): reject.sqlstate for reject in found} == {
        (load, key): sqlstate for key, sqlstate in expected.items()
    }
    assert not [reject.message for reject in found if "Ann" in reject.message]
    context.connection.execute(mended.encode())
    done = readmit.take_in(context, plan.build(context.catalog), up_to=rejects.last(context.connection, "test"))
    assert done == Readmission(taken=len(expected), needless=0, left=0)
    assert rejects.listed(context.connection, "test") == ()
    now = state(database.url)
    assert now.rows == unrefused.rows
    assert now.objects == unrefused.objects
