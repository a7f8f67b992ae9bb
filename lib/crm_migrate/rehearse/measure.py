"""What a step takes: seconds, write-ahead log, disk, and the locks that others would have waited for (B3)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg

from crm_migrate.events import Event
from crm_migrate.execute import Run
from crm_migrate.plan import Plan
from crm_migrate.rehearsal import LOCKS, Lock, StepMeasure

_RELATIONS = """
    select oid::bigint, relname::text from pg_catalog.pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')
        and relname not in ('migration_history', 'migration_status')
"""
_HELD = """
    select relation::bigint, mode from pg_catalog.pg_locks
    where pid = pg_backend_pid() and locktype = 'relation' and granted
        and database = (select oid from pg_catalog.pg_database where datname = current_database())
"""
_READING = "select (pg_current_wal_insert_lsn() - '0/0')::bigint, pg_database_size(current_database())"


class Watched(psycopg.Connection[tuple[Any, ...]]):
    """A session that notes, at the end of each of its transactions, what it holds locked: a lock is kept until then."""

    depth = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.held: dict[int, tuple[int, float]] = {}

    @contextmanager
    def transaction(
        self, savepoint_name: str | None = None, force_rollback: bool = False
    ) -> Iterator[psycopg.Transaction]:
        """As psycopg's own."""
        started = time.monotonic()
        with super().transaction(savepoint_name, force_rollback) as transaction:
            self.depth += 1
            try:
                yield transaction
                if self.depth == 1:
                    self._note(time.monotonic() - started)
            finally:
                self.depth -= 1

    def _note(self, seconds: float) -> None:
        for oid, mode in self.execute(_HELD).fetchall():
            strength, longest = self.held.get(oid, (0, 0.0))
            self.held[oid] = max(strength, LOCKS.index(mode)), max(longest, seconds)


@dataclass
class Meter:
    """Takes a reading at the end of each step; is told by the step's own event."""

    connection: Watched
    plan: Plan
    steps: dict[tuple[str, str], StepMeasure] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._forwards, self._backwards = iter(self.plan.steps()), iter(self.plan.backwards())
        self._read()

    def sink(self, event: Event, /) -> None:
        """Measure where a step has ended, on the way there or back."""
        if event.kind != "step" or event.seconds is None:
            return
        if event.message == "done":
            kind = next(kind for kind in self._forwards if kind.step.name == event.name)
            wal, disk, relations = self._wal, self._disk, self._relations
            locks = {relations[oid]: held for oid, held in self.connection.held.items() if oid in relations}
            self._read()
            self.steps[kind.phase, event.name] = StepMeasure(
                phase=kind.phase,
                step=event.name,
                seconds=round(event.seconds, 3),
                wal_bytes=self._wal - wal,
                disk_bytes=self._disk - disk,
                rows=0,
                locks=tuple(
                    Lock(name, LOCKS[strength], round(longest, 3))
                    for name, (strength, longest) in sorted(locks.items())
                ),
                revert_seconds=None,
            )
        else:
            kind = next(kind for kind in self._backwards if kind.step.name == event.name)
            measured = self.steps.get((kind.phase, event.name))
            if measured is not None:
                self.steps[kind.phase, event.name] = replace(measured, revert_seconds=round(event.seconds, 3))

    def _read(self) -> None:
        row = self.connection.execute(_READING.encode()).fetchone()
        assert row is not None
        self._wal, self._disk = row
        self._relations: dict[int, str] = dict(self.connection.execute(_RELATIONS.encode()).fetchall())
        self.connection.held.clear()

    def result(self, run: Run | None) -> tuple[StepMeasure, ...]:
        """Every step that came to its end, in order, with the source rows that the database noted for it."""
        rows = {} if run is None else {(step.phase, step.step): step.rows_done for step in run.steps}
        return tuple(replace(measured, rows=rows.get(key, 0)) for key, measured in self.steps.items())
