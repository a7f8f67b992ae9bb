"""A rehearsal runs the phases on a copy, measures each step, and tells what was not copied and what failed (B3)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Database
from crm_migrate import calibration, catalog, embedded, forecast, postgres, rehearsal, throwaway, workflow
from crm_migrate.calibration import Calibration
from crm_migrate.errors import Refused
from crm_migrate.rehearsal import Rehearsal
from crm_migrate.settings import Settings
from crm_migrate.simulate import Estimate, ModelResult
from nights import settings_for


@pytest.fixture
def settings(sample: Database, tmp_path: Path) -> Iterator[Settings]:
    made = settings_for(sample, tmp_path)
    yield made
    embedded.stop(made.workspace)


def rehearsed(settings: Settings) -> Rehearsal:
    workflow.assess("new", settings=settings)
    workflow.dry_run(rehearse=True, settings=settings)
    return rehearsal.load(workflow.run_folder("latest", settings))


def test_every_step_is_measured_and_the_way_back_is_clean(settings: Settings, catalog: catalog.Catalog) -> None:
    found = rehearsed(settings)
    assert found.problems == ()
    assert [(step.phase, step.step) for step in found.steps] == [
        (phase.name, step.name) for phase in catalog.phases for step in phase.steps
    ]
    assert all(step.revert_seconds is not None for step in found.steps)
    contacts = next(step for step in found.steps if step.step == "load:contacts")
    assert contacts.rows == 300
    assert contacts.wal_bytes > 0
    renames = next(step for step in found.steps if step.step == "sql:20_renames")
    assert {(lock.relation, lock.mode) for lock in renames.locks} >= {("deals", "AccessExclusiveLock")}
    simulation = workflow.status(settings=settings).simulation
    assert simulation is not None
    assert simulation.estimate.basis == "rehearsal"
    assert list(simulation.estimate.phases) == [phase.name for phase in catalog.phases]


def test_what_could_not_be_copied_is_told_and_no_row_is_quoted(sample: Database, settings: Settings) -> None:
    with postgres.connect(sample.url) as owner:
        owner.execute("create table public.regions (id int primary key); insert into public.regions values (77123)")
        owner.execute("alter table public.companies add column region_id int default 77123 references public.regions")
    found = rehearsed(settings)
    assert "rows of table regions: they are no part of a snapshot" in found.not_copied
    assert any("companies_region_id_fkey" in what for what in found.not_copied)
    assert "77123" not in str(found.not_copied)
    assert found.problems == ()


def test_a_phase_that_fails_on_a_customer_s_own_object_is_taken_back_and_is_a_no_go(
    sample: Database, settings: Settings
) -> None:
    with postgres.connect(sample.url) as owner:
        owner.execute(
            """
            create function public.add_product() returns void language sql as $$ select $$;
            """
        )
    found = rehearsed(settings)
    assert found.failed is not None
    assert "1_5_principals" in found.failed
    assert (found.verified, found.left_over, found.differing_back) == (False, (), 0)
    decision = workflow.decide(settings=settings)
    assert any(reason.startswith("the rehearsal: ") for reason in decision.reasons)


def test_a_rehearsal_of_another_snapshot_does_not_count(settings: Settings) -> None:
    found = rehearsed(settings)
    folder = workflow.run_folder("latest", settings)
    assert workflow.rehearsed(settings=settings) == found
    other = rehearsal.load(folder)
    rehearsal.save(type(other)(**{**_fields(other), "snapshot_id": "another"}), folder)
    assert workflow.rehearsed(settings=settings) is None
    assert workflow.dry_run(settings=settings).estimate.basis == "calibration"


def _fields(found: Rehearsal) -> dict[str, object]:
    return {name: getattr(found, name) for name in Rehearsal.__dataclass_fields__}


def test_a_calibration_needs_no_right_and_writes_nothing(database: Database) -> None:
    with postgres.connect(database.url, autocommit=True) as connection:
        connection.execute("set role anon; set default_transaction_read_only = on")
        speed = calibration.measure(connection)
    assert speed.unit_seconds > 0
    assert speed.round_trip_seconds > 0


def test_a_slower_server_gets_a_longer_forecast_and_a_faster_one_no_shorter_one(catalog: catalog.Catalog) -> None:
    models = [ModelResult("contacts", "contacts", "update", 1_000_000, 1_000_000, 0)]
    estimate = Estimate(None, 1, 1)

    def seconds(unit: float) -> float:
        given = forecast.from_calibration(estimate, catalog, models, Calibration(unit, 0.0))
        assert given.seconds is not None
        return given.seconds

    assert seconds(0.02) == pytest.approx(2 * seconds(0.01), rel=0.01)
    step = rehearsal.StepMeasure("a", "s", 10.0, 0, 0, 0, (), None)
    made = Rehearsal("s", "q", "i", 0.01, 10.0, 1.0, True, None, 0, 0, (), (), (step,))
    slower, faster = (forecast.from_rehearsal(estimate, made, Calibration(unit, 0.0)).seconds for unit in (0.03, 0.001))
    assert (slower, faster) == (45.0, 15.0)
    assert forecast.from_calibration(estimate, catalog, models, None).seconds is None


def test_what_a_killed_rehearsal_left_is_dropped_by_the_next_and_a_living_ones_is_not(tmp_path: Path) -> None:
    server = embedded.start(tmp_path)
    try:
        with (
            postgres.connect(server.admin_url(), autocommit=True) as admin,
            postgres.connect(server.admin_url(), autocommit=True) as another,
        ):
            admin.execute("create role crm_owner")
            admin.execute("create database rehearsal_dead")
            with throwaway.made(admin, "living") as living:
                assert databases(admin) == [living]  # the dead one is gone
                with pytest.raises(Refused, match="being rehearsed"), throwaway.made(another, "living"):
                    pass
                another.execute("create database rehearsal_dead")
                assert throwaway.abandoned(tmp_path, remove=False) == ("rehearsal_dead",)
                assert throwaway.abandoned(tmp_path, remove=True) == ("rehearsal_dead",)
                assert databases(admin) == [living]
            assert databases(admin) == []
    finally:
        embedded.stop(tmp_path)


def test_without_a_running_server_there_is_nothing_left_over(tmp_path: Path) -> None:
    assert throwaway.abandoned(tmp_path, remove=True) == ()
    assert not embedded.is_running(tmp_path)


def databases(admin: postgres.Connection) -> list[str]:
    rows = admin.execute("select datname::text from pg_catalog.pg_database where datname ~ '^rehearsal' order by 1")
    return [name for (name,) in rows.fetchall()]
