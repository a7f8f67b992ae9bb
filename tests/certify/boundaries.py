"""Every place where a night can die, as far as the database can tell: before a statement, and after a commit.

Between the answer to one statement and the sending of the next nothing reaches the server, so that "before a statement"
is also "after the one before it". A commit counts twice: it may have happened although nobody heard of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from psycopg import pq
from psycopg._connection_base import BaseConnection
from psycopg._cursor_base import BaseCursor

Side = Literal["before", "after"]
_READS = ("SELECT", "SHOW", "SET", "BEGIN", "SAVEPOINT")


@dataclass(frozen=True, slots=True)
class Boundary:
    """One such place.

    Attributes:
        connection: the session at hand.
        statement: its first words, of which none is a value of a row.
    """

    connection: Any
    side: Side
    statement: str


_unseen = threading.local()


@contextmanager
def unseen() -> Iterator[None]:
    """Statements of this thread that are the harness's own."""
    _unseen.yes = True
    try:
        yield
    finally:
        _unseen.yes = False


def watch(meet: Callable[[Boundary], None]) -> None:
    """Call `meet` at every boundary of the main thread, from now on until this process ends.

    psycopg sends everything through three generators: a connection's own commands (BEGIN, SAVEPOINT, COMMIT), a
    cursor's statement, and the beginning of a COPY.
    """
    command, statement, copy = (
        BaseConnection._exec_command,
        BaseCursor._maybe_prepare_gen,
        BaseCursor._start_copy_gen,
    )

    def met(connection: Any, side: Side, text: bytes) -> None:
        if threading.current_thread() is threading.main_thread() and not getattr(_unseen, "yes", False):
            meet(Boundary(connection, side, " ".join(text.decode(errors="replace").split())[:80]))

    def commanded(self: Any, given: Any, *rest: Any, **options: Any) -> Any:
        text = given.encode() if isinstance(given, str) else given if isinstance(given, bytes) else given.as_bytes(self)
        met(self, "before", text)
        result = yield from command(self, given, *rest, **options)
        if text.upper().startswith(b"COMMIT"):
            met(self, "after", text)
        return result

    def executed(self: Any, query: Any, *rest: Any, **options: Any) -> Any:
        connection, was = self._conn, self._conn.pgconn.transaction_status
        met(connection, "before", query.query)
        yield from statement(self, query, *rest, **options)
        idle = was == connection.pgconn.transaction_status == pq.TransactionStatus.IDLE
        if idle and not (self._statusmessage or b"").decode().startswith(_READS):
            met(connection, "after", query.query)

    def copied(self: Any, given: Any, *rest: Any, **options: Any) -> Any:
        met(self._conn, "before", b"copy")
        return (yield from copy(self, given, *rest, **options))

    BaseConnection._exec_command = commanded
    BaseCursor._maybe_prepare_gen = executed
    BaseCursor._start_copy_gen = copied
