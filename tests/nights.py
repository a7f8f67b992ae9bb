"""What the tests of a night share: a run up to its approved decision, and a database's whole content to compare."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from conftest import Database
from crm_migrate import postgres, schema, workflow
from crm_migrate.errors import Stopped
from crm_migrate.events import Event
from crm_migrate.settings import Settings

_OF_WRITING = {"id", "created_at", "updated_at"}  # surrogate keys and times of writing, in tables that are new
_LEGACY = (*postgres.SOURCE_TABLES, *postgres.OPTIONAL_TABLES, "opportunities", "opportunityNotes")


@dataclass(frozen=True, slots=True)
class State:
    """All of a database that a user could notice: objects, rows and rights of schema public."""

    objects: dict[str, str]
    rows: dict[str, list[str]]
    rights: set[tuple[Any, ...]]


def settings_for(database: Database, folder: Path, **given: Any) -> Settings:
    """Settings of a bench of its own: nothing of the environment, no grace for others."""
    places = {"database_url": database.url, "workspace": folder / "bench", "reports": folder / "reports"}
    return Settings(**{**places, "grace_seconds": 0, **given})


def approved(settings: Settings) -> str:
    """Take a run to its approved GO; returns its id."""
    workflow.snapshot("new", settings=settings)
    workflow.assess(settings=settings)
    workflow.dry_run(settings=settings)
    decision = workflow.decide(approved_by="Tess Ter", settings=settings)
    assert decision.verdict == "GO", decision.reasons
    return workflow.run_folder("latest", settings).name


def stop_at(kind: str, name: str, settings: Settings, database: Database) -> None:
    """Interrupt a run as soon as it speaks of a stage or a step."""

    def interrupt(event: Event, /) -> None:
        if (event.kind, event.name) == (kind, name):
            raise KeyboardInterrupt

    with pytest.raises(Stopped, match="was interrupted"):
        workflow.execute(confirm=database.name, settings=settings, emit=interrupt)


def state(url: str) -> State:
    """Read everything; two states are equal where nobody could tell the databases apart."""
    with postgres.connect(url) as connection:
        return State(schema.describe(connection), _rows(connection), _rights(connection))


def _rows(connection: postgres.Connection) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    tables = connection.execute(
        """
        select relname from pg_catalog.pg_class
        where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> 'migration_history' order by 1
        """
    ).fetchall()
    for (table,) in tables:
        left_out = set() if table in _LEGACY else _OF_WRITING
        columns = [name for name in postgres.columns(connection, f"public.{table}") if name not in left_out]
        listed = sql.SQL(", ").join(sql.Identifier(column) for column in columns)
        query = sql.SQL("select row({})::text from {} order by 1").format(listed, sql.Identifier("public", table))
        found[table] = [row[0] for row in connection.execute(query)]
    return found


def _rights(connection: postgres.Connection) -> set[tuple[Any, ...]]:
    rows = connection.execute(
        """
        select classes.relname, coalesce(attributes.attname, ''), coalesce(roles.rolname, 'public'),
            privileges.privilege_type, privileges.is_grantable
        from pg_catalog.pg_class as classes
        left join pg_catalog.pg_attribute as attributes
            on attributes.attrelid = classes.oid and attributes.attacl is not null
        cross join lateral (
            select * from aclexplode(classes.relacl)
            union all
            select * from aclexplode(attributes.attacl)
        ) as privileges
        left join pg_catalog.pg_roles as roles on roles.oid = privileges.grantee
        where classes.relnamespace = 'public'::regnamespace
            and classes.relname not similar to 'migration_(history|status)%'
        """
    ).fetchall()
    return set(rows)
