"""The plan is a value: the same list forwards and backwards, and nothing in it that nobody can do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crm_migrate import plan
from crm_migrate.catalog import Catalog, Phase, Step
from crm_migrate.errors import CatalogError


def test_backwards_is_forwards_from_the_end(catalog: Catalog) -> None:
    planned = plan.build(catalog)
    forwards = [(kind.phase, kind.step.name) for kind in planned.steps()]
    assert [(kind.phase, kind.step.name) for kind in planned.backwards()] == forwards[::-1]
    assert len(forwards) == len(set(forwards))


def test_five_phases_come_in_the_order_of_the_mission(catalog: Catalog) -> None:
    assert [phase.name[:3] for phase in plan.build(catalog).phases] == ["1_1", "1_2", "1_3", "1_4", "1_5"]


def test_every_step_says_why_and_can_be_taken_back(catalog: Catalog) -> None:
    for kind in plan.build(catalog).steps():
        assert kind.why, kind.step.name
        assert not kind.irreversible, kind.step.name


@pytest.mark.parametrize("step", ["dance:tables", "policies:contacts", "grants:->products", "backup:"])
def test_a_step_of_no_kind_stops_the_plan(step: str, catalog: Catalog) -> None:
    kind, _, subject = step.partition(":")
    odd = replace(catalog, phases=(Phase("1_1_foundation", "odd", (Step(kind, subject),)),))
    with pytest.raises(CatalogError, match="is not sql:"):
        plan.build(odd)
