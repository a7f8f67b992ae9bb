"""A night that was paused before its first change, made once and copied for each test, which plants a fault in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from conftest import Database, Server
from crm_migrate import workflow
from crm_migrate.errors import Paused, Stopped
from crm_migrate.events import Event, Sink, silent
from crm_migrate.execute import CommitMode
from crm_migrate.settings import Settings
from nights import approved, settings_for


@dataclass(frozen=True, slots=True)
class Evening:
    """A database whose window is closed, which is backed up, and not changed yet.

    Attributes:
        kept: the name under which a copy of it lies; a decision is bound to the name that it had.
    """

    database: Database
    kept: str
    settings: Settings

    def at(self, settings: Settings) -> Evening:
        """The same with other places."""
        return replace(self, settings=settings)

    def night(self, *, emit: Sink = silent, commit: CommitMode = "batch") -> str:
        """Execute; returns the run's status."""
        run = workflow.execute(
            confirm=self.database.name, commit=commit, batch_size=100, settings=self.settings, emit=emit
        )
        assert run is not None
        return run.status

    def stops(self, *, emit: Sink = silent, commit: CommitMode = "batch") -> str:
        """Execute, which has to stop with exit code 5; returns its paragraph, message and hint."""
        with pytest.raises(Stopped) as stopped:
            self.night(emit=emit, commit=commit)
        assert stopped.value.exit_code == 5
        assert stopped.value.hint
        return f"{stopped.value} {stopped.value.hint}"


@contextmanager
def evening(server: Server, template: str, folder: Path, **given: Any) -> Iterator[Evening]:
    """Take a copy of `template` to its decision and on to the first phase, and put it by."""
    name = f"crm_{folder.name.replace('-', '_')}"[:50].lower()
    database = Database(name, server.url(name), server.admin_url(name))
    settings = settings_for(database, folder, **given)
    _clone(server, template, name)
    try:
        approved(settings)
        made = Evening(database, f"{name}_kept", settings)

        def pause(event: Event, /) -> None:
            if event.kind == "phase":
                workflow.pause(settings=settings)

        with pytest.raises(Paused):
            made.night(emit=pause)
        _clone(server, name, made.kept)
        yield made
    finally:
        with psycopg.connect(server.admin_url(), autocommit=True) as admin:
            for gone in (name, f"{name}_kept"):
                admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(gone)))


def fresh(server: Server, made: Evening, folder: Path) -> Evening:
    """The same evening again, for one test: its database as it was, its files in a folder of the test's own.

    Snapshots and the dump are read where the evening left them.
    """
    _clone(server, made.kept, made.database.name)
    shutil.copytree(made.settings.reports, folder / "reports")
    return made.at(made.settings.model_copy(update={"workspace": folder / "bench", "reports": folder / "reports"}))


def _clone(server: Server, template: str, name: str) -> None:
    with psycopg.connect(server.admin_url(), autocommit=True) as admin:
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
        admin.execute(
            sql.SQL("create database {} template {} owner crm_owner").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
