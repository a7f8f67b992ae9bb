"""While somebody migrates a database nobody else begins on it, or takes its half-migrated rows for the source."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Database
from crm_migrate import postgres, workflow
from crm_migrate.errors import Refused
from crm_migrate.settings import Settings
from nights import settings_for
from test_abort import begun, end


@pytest.mark.parametrize("verb", [workflow.execute, workflow.revert])
def test_a_second_runner_is_told_host_process_and_start_of_the_first(
    verb: Callable[..., object], sample: Database, decided: Settings
) -> None:
    with (
        postgres.connect(sample.url, purpose="execute") as first,
        postgres.migration_lock(first),
        pytest.raises(Refused) as raised,
    ):
        verb(confirm=sample.name, settings=decided)
    assert f"`crm-migrate execute`, process {os.getpid()} on host {socket.gethostname()}" in str(raised.value)
    assert ", since 20" in str(raised.value)
    assert raised.value.exit_code == 4


def test_no_snapshot_is_taken_beside_a_runner(sample: Database, tmp_path: Path) -> None:
    settings = settings_for(sample, tmp_path)
    with (
        postgres.connect(sample.url, purpose="execute") as first,
        postgres.migration_lock(first),
        pytest.raises(Refused, match="half migrated"),
    ):
        workflow.snapshot(settings=settings)


def test_no_snapshot_is_taken_of_a_database_that_a_run_has_left_midway(sample: Database, decided: Settings) -> None:
    end(begun(decided, sample, "execute", "--batch-size", "20", until="sql:10_types: done"))
    with pytest.raises(Refused, match="is midway"):
        workflow.snapshot(settings=decided)


def test_no_decision_is_a_go_beside_a_runner(sample: Database, decided: Settings) -> None:
    with postgres.connect(sample.url, purpose="execute") as first, postgres.migration_lock(first):
        decision = workflow.decide(approved_by="Tess Ter", settings=decided)
    assert decision.verdict == "NO_GO"
    assert any(f"process {os.getpid()}" in reason for reason in decision.reasons)
