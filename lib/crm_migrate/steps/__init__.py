"""The kinds of step: each can be applied, taken back and proved (design, idea 3)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from crm_migrate import postgres
from crm_migrate.catalog import Catalog, Step
from crm_migrate.errors import Stopped
from crm_migrate.events import Sink
from crm_migrate.postgres import Connection
from crm_migrate.settings import Settings


def never() -> Stopped | None:
    """Where nobody watches, nothing stops a run from outside."""
    return None


@dataclass(frozen=True, slots=True)
class Context:
    """What a step works with.

    Attributes:
        connection: in autocommit mode and owned by the caller; a step opens its transactions with
            `connection.transaction()`, which are savepoints where a larger one is open.
        stamp: the UTC time in the names of this run's backup tables.
        between: called after each batch; raises to stop the run between two of them.
        stop: says why the run is to stop at once, such as a disk that runs full, or None; a statement may have been
            cancelled for it.
        clock: seconds that only ever go up, by which batches are measured.
    """

    connection: Connection
    catalog: Catalog
    settings: Settings
    run_id: str
    phase: str
    stamp: str
    emit: Sink
    between: Callable[[], None]
    clock: Callable[[], float] = time.monotonic
    stop: Callable[[], Stopped | None] = never

    @contextmanager
    def transaction(self, step: Step) -> Iterator[None]:
        """A transaction, or a savepoint of the larger one, with the time-outs and the memory of a step (C9).

        What is set in a savepoint outlasts it, so each step sets all of them.
        """
        with self.connection.transaction():
            postgres.set_limits(self.connection, self.settings.limits(step.name), local=True)
            yield


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a step ought to have made and did not.

    Attributes:
        hint: what to do where the same command alone would meet it again; empty elsewhere.
    """

    object: str
    problem: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.object} {self.problem}"


class Kind(Protocol):
    """A kind of step, bound to what it works on."""

    @property
    def step(self) -> Step:
        """Its entry in the plan."""

    @property
    def phase(self) -> str:
        """The phase it stands in."""

    @property
    def why(self) -> str:
        """What it is for, in a sentence."""

    @property
    def irreversible(self) -> str:
        """Why it cannot be taken back; empty where it can."""

    def apply(self, context: Context) -> None:
        """Do it, and upsert its row in migration_history in the same transaction."""

    def revert(self, context: Context) -> None:
        """Take it back, and note that in the same transaction."""

    def verify(self, context: Context) -> tuple[Problem, ...]:
        """What is not as it should be after `apply`; nothing where all is well."""
