"""A sample that was migrated once a session: its state to compare with, and fresh copies of it to meddle with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import Database, Server, scratch_database
from crm_migrate import workflow
from crm_migrate.settings import Settings
from nights import State, approved, settings_for, state


@dataclass(frozen=True, slots=True)
class Migrated:
    """One migrated sample, and where its run's files lie."""

    database: Database
    folder: Path


@pytest.fixture(scope="session")
def decided_template(
    server: Server, sample_template: str, sample_name: str, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The reports of a run of the fresh sample up to its approved GO."""
    folder = tmp_path_factory.mktemp("decided")
    with scratch_database(server, template=sample_template, name=sample_name) as made:
        settings = settings_for(made, folder)
        approved(settings)
    return settings.reports


@pytest.fixture
def decided(decided_template: Path, sample: Database, tmp_path: Path) -> Settings:
    """Settings of a bench with a run of `sample` up to its approved GO; its snapshot is read where it was taken."""
    shutil.copytree(decided_template, tmp_path / "reports")
    return settings_for(sample, tmp_path)


@pytest.fixture(scope="session")
def migrated_template(
    server: Server, sample_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Migrated]:
    """A sample after an undisturbed night."""
    folder = tmp_path_factory.mktemp("night")
    with scratch_database(server, template=sample_template) as made:
        settings = settings_for(made, folder)
        approved(settings)
        workflow.execute(confirm=made.name, settings=settings)
        yield Migrated(made, folder)


@pytest.fixture(scope="session")
def undisturbed(migrated_template: Migrated) -> State:
    """What every other way through the same night has to come to."""
    return state(migrated_template.database.url)


@pytest.fixture
def migrated(server: Server, migrated_template: Migrated, tmp_path: Path) -> Iterator[tuple[Settings, Database]]:
    """A fresh copy of the migrated sample with its run's files."""
    shutil.copytree(migrated_template.folder / "reports", tmp_path / "reports")
    with scratch_database(server, template=migrated_template.database.name) as made:
        yield settings_for(made, tmp_path), made
