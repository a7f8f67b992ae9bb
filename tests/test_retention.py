"""Original data goes after 90 days, by command and with confirmation only."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from conftest import Database
from crm_migrate import backup, files, postgres, workflow
from crm_migrate.errors import Refused
from crm_migrate.settings import Settings

DAY = 86_400


def age(database: Database, days: int) -> None:
    with postgres.connect(database.url) as connection:
        connection.execute("update migration.backups set made_at = made_at - make_interval(days => %s)", [days])


def copies(database: Database) -> int:
    with postgres.connect(database.url) as connection:
        return len(backup.copies(connection))


def test_young_copies_stay_whatever_is_confirmed(migrated: tuple[Settings, Database]) -> None:
    settings, database = migrated
    age(database, 89)
    found = workflow.cleanup(confirm=database.name, settings=settings)
    assert (found.copies, copies(database)) == ((), 4)


def test_old_copies_are_listed_first_and_removed_with_confirmation(migrated: tuple[Settings, Database]) -> None:
    settings, database = migrated
    age(database, 91)
    listed = workflow.cleanup(settings=settings)
    assert (len(listed.copies), listed.removed, copies(database)) == (4, False, 4)
    removed = workflow.cleanup(confirm=database.name, settings=settings)
    assert (removed.copies, removed.removed, copies(database)) == (listed.copies, True, 0)
    assert workflow.cleanup(settings=settings).copies == ()


def test_with_the_last_copy_the_status_line_goes_and_no_later_command_misses_it(
    migrated: tuple[Settings, Database],
) -> None:
    settings, database = migrated
    age(database, 91)
    workflow.cleanup(confirm=database.name, settings=settings)
    with postgres.connect(database.url) as connection:
        assert connection.execute("select to_regclass('public.migration_status')").fetchone() == (None,)
    assert not workflow.window(settings=settings).closed
    assert workflow.revert(confirm=database.name, settings=settings).status == "rolled_back"


def test_another_databases_name_removes_nothing(migrated: tuple[Settings, Database]) -> None:
    settings, database = migrated
    age(database, 91)
    with pytest.raises(Refused):
        workflow.cleanup(confirm="production", settings=settings)
    assert copies(database) == 4


def test_old_dumps_go_and_young_ones_stay(sample: Database, tmp_path: Path) -> None:
    settings = Settings(database_url=sample.url, workspace=tmp_path)  # type: ignore[arg-type]
    dumps = tmp_path / "dumps" / "run"
    dumps.mkdir(parents=True)
    old, young = dumps / "old.dump", dumps / "young.dump"
    for file, days in ((old, 91), (young, 89)):
        file.write_text("x")
        os.utime(file, (time.time() - days * DAY,) * 2)
    found = workflow.cleanup(confirm=sample.name, settings=settings)
    assert found.dumps == (str(old),)
    assert (old.exists(), young.exists(), found.kept) == (False, True, 1)


def test_what_killed_processes_left_is_listed_and_removed(sample: Database, tmp_path: Path) -> None:
    settings = Settings(database_url=sample.url, workspace=tmp_path)  # type: ignore[arg-type]
    left = tmp_path / "scratch" / "assess-dead"
    left.mkdir(parents=True)
    with files.scratch_folder(tmp_path / "scratch", "simulate") as used:
        assert workflow.cleanup(settings=settings).scratch == (str(left),)
        assert workflow.cleanup(confirm=sample.name, settings=settings).scratch == (str(left),)
        assert (left.exists(), used.exists()) == (False, True)
