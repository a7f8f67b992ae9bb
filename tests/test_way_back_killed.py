"""A way back that is killed goes on, wherever that was, and ends as one that nothing disturbed."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dies
from conftest import Database, Server, scratch_database
from crm_migrate import workflow
from crm_migrate.settings import Settings
from fixtures_of_nights import Migrated
from nights import State, settings_for, state
from test_archive import rows, written

_ARCHIVED = """
    select relation, key, operation, "row"::text, made::text, written_by from migration_archive.rows order by 1, 2
"""
DEATHS = 7


@contextmanager
def used(server: Server, of: Database, reports: Path, folder: Path) -> Iterator[tuple[Settings, Database]]:
    """A copy of a database that was migrated and worked on, with its run's files."""
    shutil.copytree(reports, folder / "reports")
    with scratch_database(server, template=of.name) as made:
        yield settings_for(made, folder), made


def outcome(database: Database) -> tuple[State, list[tuple[Any, ...]]]:
    """What the way back leaves: the database, and the archive."""
    return state(database.url), rows(database, _ARCHIVED)


def test_wherever_the_way_back_is_killed_it_goes_on_and_ends_the_same(
    server: Server, migrated_template: Migrated, tmp_path: Path
) -> None:
    reports = migrated_template.folder / "reports"
    with scratch_database(server, template=migrated_template.database.name) as worked_on:
        written(worked_on)
        with used(server, worked_on, reports, tmp_path / "undisturbed") as (settings, database):
            done = dies.called("revert", settings, database.name)
            assert done.returncode == 0, done.stderr
            boundaries, undisturbed = int(done.stdout), outcome(database)
        for number in range(DEATHS):
            at = 1 + boundaries * 95 // 100 * number // (DEATHS - 1)  # their number varies a little
            with used(server, worked_on, reports, tmp_path / str(at)) as (settings, database):
                killed = dies.called("revert", settings, database.name, at)
                assert killed.returncode == -signal.SIGKILL, killed.stderr
                assert workflow.revert(confirm=database.name, settings=settings).status == "rolled_back"
                assert outcome(database) == undisturbed, f"killed at boundary {at} of {boundaries}"
