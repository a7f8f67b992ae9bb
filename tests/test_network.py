"""The network of organisations is drawn by name while they are few, and in groups where they are many."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import duckdb
import pytest

from crm_migrate import network
from crm_migrate.network import Node
from crm_migrate.report import figures, look
from crm_migrate.report.saved import Saved


@pytest.fixture
def session() -> duckdb.DuckDBPyConnection:
    """The two tables that the network is read from, empty."""
    made = duckdb.connect()
    made.execute("create schema if not exists public")
    made.execute("create or replace table public.companies (id bigint, name varchar)")
    made.execute(
        "create table public.opportunity_participants (opportunity_id bigint, organization_id bigint, role varchar)"
    )
    return made


def test_an_opportunity_links_its_principal_over_the_distributor_to_the_customer(
    session: duckdb.DuckDBPyConnection,
) -> None:
    session.execute("insert into public.companies values (0, 'Maker'), (1, 'Seller'), (2, 'Shop'), (3, null)")
    session.execute(
        "insert into public.opportunity_participants values (1, 0, 'principal'), (1, 1, 'distributor'), "
        "(1, 2, 'customer'), (2, 0, 'principal'), (2, 3, 'customer'), (3, 2, 'customer')"
    )
    found = network.network(session)
    assert found.nodes == (
        Node("principal", "Maker", 1, 2),
        Node("distributor", "Seller", 1, 1),
        Node("customer", "Shop", 1, 1),
        Node("customer", "without a name", 1, 1),
    )
    assert set(found.links) == {(0, 1, 1), (1, 2, 1), (0, 3, 1)}
    assert (found.opportunities, found.alone) == (2, 1)


def test_of_ten_thousand_customers_the_busiest_have_a_name_and_no_opportunity_is_lost(
    session: duckdb.DuckDBPyConnection,
) -> None:
    session.execute("insert into public.companies select n, 'Company ' || n from range(10020) as t(n)")
    session.execute(
        "insert into public.opportunity_participants "
        "select n, n % 20, 'principal' from range(10000) as t(n) "
        "union all select n, 20 + n, 'customer' from range(10000) as t(n)"
    )
    found = network.network(session)
    assert len(found.nodes) == 2 * (network.NAMED + 1)
    assert sum(node.organizations for node in found.nodes) == 10_020
    assert sum(number for _, _, number in found.links) == 10_000
    relationships = {"network": asdict(found)}
    drawn = figures.network(Saved(Path("nowhere"), {"simulation": {"relationships": relationships}}))
    assert "20 busiest by name, 10,000 in groups" in drawn.layout.title.subtitle.text
    assert drawn.layout.height < 800
    assert look.plural(9_990, "other customer") + "  9,990" in drawn.data[0].node.label


def test_no_organisation_that_meets_another_gives_an_empty_network(session: duckdb.DuckDBPyConnection) -> None:
    session.execute("insert into public.opportunity_participants values (1, 2, 'customer')")
    found = network.network(session)
    assert (found.nodes, found.links, found.opportunities, found.alone) == ((), (), 0, 1)
