"""Up, down, up: the way back is the way there read backwards, to the last name, right, number and row (E2)."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

import customers
import dies
from conftest import Database, Server, scratch_database
from crm_migrate import demo, postgres, tools, workflow
from nights import State, approved, settings_for, state
from other_server import scratch_database15

Way = Literal["clean", "with a reject", "killed and resumed"]
_DIES_AT = 1_500
_REJECTED = """
with lonely as (insert into public.deals (name, stage) values ('Nobody is in it', 'won') returning id)
insert into public."dealNotes" (deal_id, type, text) select id, 'Call', 'rang nobody' from lonely
"""


@dataclass(frozen=True, slots=True)
class Everything:
    """All that can be told of a database: by its own program, by its catalogue, by what users see."""

    dumped: tuple[str, ...]
    catalogue: customers.Whole
    seen: State
    sequences: tuple[tuple[Any, ...], ...]


@pytest.fixture(params=["the embedded server", "PostgreSQL 15"])
def crm(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A small clean sample, once on each server."""
    if request.param == "PostgreSQL 15":
        with scratch_database15(request.getfixturevalue("supabase15")) as made:
            demo.fill(made.url, contacts=120, seed=7)
            yield made
        return
    server: Server = request.getfixturevalue("server")
    with scratch_database(server) as made:
        demo.fill(made.url, contacts=120, seed=7)
        yield made


def everything(database: Database) -> Everything:
    """Read it all."""
    with postgres.connect(database.url) as connection:
        catalogue = customers.whole(connection)
        sequences = connection.execute(
            """
            select sequencename, last_value from pg_catalog.pg_sequences
            where schemaname = 'public' and sequencename <> 'migration_history' order by 1
            """
        ).fetchall()
        program = tools.find("pg_dump", server_version=connection.info.server_version)
    assert program is not None
    arguments, environment = tools.session_of(database.url)
    done = subprocess.run(
        [program, "--schema-only", "--schema=public", "--exclude-table=public.migration_*", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return Everything(normalised(done.stdout), catalogue, state(database.url), tuple(sequences))


def normalised(dump: str) -> tuple[str, ...]:
    """The statements in an order of their own: that of grants is the order in which they were given."""
    lines = (line for line in dump.splitlines() if line and not line.startswith(("--", "\\restrict", "\\unrestrict")))
    return tuple(sorted("\n".join(lines).split(";\n")))


@pytest.mark.parametrize("way", ["clean", "with a reject", "killed and resumed"])
def test_after_the_way_back_nothing_tells_that_there_was_a_migration(way: Way, crm: Database, tmp_path: Path) -> None:
    settings = settings_for(crm, tmp_path, reject_ratio=0.1 if way == "with a reject" else 0.01)
    if way == "with a reject":
        with postgres.connect(crm.url) as owner:
            owner.execute(_REJECTED.encode())
    before = everything(crm)
    approved(settings)
    if way == "killed and resumed":
        assert dies.called("execute", settings, crm.name, _DIES_AT).returncode == -signal.SIGKILL
    run = workflow.execute(confirm=crm.name, settings=settings)
    assert run is not None
    assert sum(phase.rejects for phase in run.phases) == (1 if way == "with a reject" else 0)
    up = state(crm.url)
    assert workflow.revert(confirm=crm.name, settings=settings).status == "rolled_back"
    after = everything(crm)
    assert after.dumped == before.dumped
    assert customers.differences(before.catalogue, after.catalogue) == []
    assert after == before
    approved(settings)
    workflow.execute(confirm=crm.name, settings=settings)
    assert state(crm.url) == up
