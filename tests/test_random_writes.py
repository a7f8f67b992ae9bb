"""Whatever users write after the migration: the way back keeps it as the model says, the way there brings it back."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import random_writes
from conftest import Server, scratch_database
from crm_migrate import postgres, workflow
from fixtures_of_nights import Migrated
from nights import approved
from test_archive import NEW, rows
from test_way_back_killed import used

WRITES = int(os.environ.get("CRM_RANDOM_WRITES", "150"))
"""Writes to a round; thousands where somebody has the time."""
ROUNDS = int(os.environ.get("CRM_RANDOM_ROUNDS", "1"))


@settings(
    max_examples=ROUNDS,
    phases=[Phase.generate],  # a round takes minutes: one that fails is told by its seed, not made smaller
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**32))
def test_what_users_wrote_is_kept_as_the_model_says_and_back_when_the_migration_runs_again(
    server: Server, migrated_template: Migrated, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    reports, folder = migrated_template.folder / "reports", Path(tmp_path_factory.mktemp("writes"))
    with (
        scratch_database(server, template=migrated_template.database.name) as copied,
        used(server, copied, reports, folder) as (bench, database),
    ):
        with postgres.connect(database.admin_url, autocommit=True) as connection:
            model = random_writes.start(connection)
            known = set(model.tasks)
            users = random_writes.Users(connection, model, Random(seed))
            for _ in range(WRITES):
                users.write()
        before = {name: rows(database, query) for name, query in NEW.items()}
        workflow.revert(confirm=database.name, settings=bench)
        with postgres.connect(database.url) as connection:
            found = random_writes.legacy(connection)
        for name in random_writes.LEGACY:
            assert found[name] == getattr(model, name), name
        approved(bench)
        workflow.execute(confirm=database.name, settings=bench)
        assert rows(database, "select relation, reason from migration_archive.rows where reason is not null") == []
        after = {name: rows(database, query) for name, query in NEW.items()}
        new_tasks = {("tasks", task) for task in model.tasks.keys() - known}  # they are history now, and were not then
        after["activities"] = [row for row in after["activities"] if row[:2] not in new_tasks]
        for told in (before, after):  # a prospect that was given a deal is a customer to the next migration
            told["companies"] = [
                (*row[:1], row[1].replace("prospect", "customer"), *row[2:]) for row in told["companies"]
            ]
        differing = {
            name: (set(before[name]) - set(after[name]), set(after[name]) - set(before[name]))
            for name in NEW
            if before[name] != after[name]
        }
        assert differing == {}
