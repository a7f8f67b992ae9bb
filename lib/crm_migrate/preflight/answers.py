"""One question of the pre-flight with its answer, and how a list of names is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from crm_migrate.postgres import Connection


@dataclass(frozen=True, slots=True)
class Check:
    """One question and its answer.

    Attributes:
        hint: what to do; where `ok` is true, a hint makes the answer a warning.
    """

    check: str
    ok: bool
    detail: str
    hint: str = ""

    @property
    def warning(self) -> bool:
        """It holds, but somebody should look at it."""
        return self.ok and bool(self.hint)


def listed(
    connection: Connection, query: str, parameters: list[object] | Mapping[str, object] | None = None
) -> list[str]:
    """The only column of a query's rows."""
    rows: Iterator[tuple[str]] = connection.execute(query.encode(), parameters)
    return [name for (name,) in rows]
