"""Pre-flight: whether server, role, session and machine are fit for a migration; reads only (B4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from crm_migrate import postgres
from crm_migrate.postgres import Connection, Server
from crm_migrate.preflight import machine, objects, rights, server, sessions
from crm_migrate.preflight.answers import Check
from crm_migrate.preflight.server import OLDEST
from crm_migrate.settings import Settings

__all__ = ["OLDEST", "Check", "Preflight", "run"]

_QUESTIONS: tuple[Callable[[Connection, Server], Check], ...] = (
    server.version,
    server.writable,
    rights.ownership,
    rights.sight,
    rights.creation,
    objects.built,
    objects.unproved,
    objects.summaries,
    server.lock,
    server.other_runs,
    server.window,
    server.pooler,
    machine.backup_tools,
    sessions.prepared,
    sessions.slots,
    sessions.publications,
    rights.grants,
    rights.column_grants,
)


@dataclass(frozen=True, slots=True)
class Preflight:
    """Every answer, and the sizes that the gate weighs.

    Attributes:
        database_bytes: what the database takes on the server.
        free_bytes: what is free for snapshots and dumps in the workspace.
        server_free_bytes: what is free where the server keeps its data; None where that cannot be seen.
    """

    checks: tuple[Check, ...]
    database_bytes: int
    free_bytes: int
    server_free_bytes: int | None = None

    @property
    def ok(self) -> bool:
        """Whether every check holds; warnings do not count."""
        return not self.failed

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that do not hold."""
        return tuple(check for check in self.checks if not check.ok)


def run(connection: Connection, *, settings: Settings, creates: Sequence[tuple[str, str]]) -> Preflight:
    """Ask everything; one answer that is no does not keep the others from being given.

    Args:
        connection: outside a transaction, or in one of its own; two more sessions are opened beside it for a moment.
        creates: what the plan will create, as `catalog.created` tells it.
    """
    asked = postgres.who_am_i(connection)
    row = connection.execute("select pg_database_size(current_database())").fetchone()
    assert row is not None
    size, here, there = int(row[0]), machine.free_here(settings.workspace), machine.free_on_server(connection, settings)
    answers = (
        *(ask(connection, asked) for ask in _QUESTIONS),
        sessions.long(connection, minutes=settings.criteria.transaction_minutes),
        objects.free_names(connection, asked, creates),
        machine.disk(size, here, settings),
        machine.server_disk(size, there, settings),
    )
    return Preflight(answers, size, here, there)
