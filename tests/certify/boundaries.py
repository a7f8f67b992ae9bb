"""Every place where a night can die, as far as the database can tell: before a statement, and after a commit.

Between the answer to one statement and the sending of the next nothing reaches the server, so that "before a statement"
is also "after the one before it". A commit counts twice: it may have happened although nobody heard of it.
"""

from __future__ import annotations

import re
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from psycopg import pq
from psycopg._connection_base import BaseConnection
from psycopg._cursor_base import BaseCursor

from crm_migrate import postgres
from crm_migrate.runners import runner_of

Side = Literal["before", "after"]
_READS = ("SELECT", "SHOW", "SET", "BEGIN", "SAVEPOINT")
_WATCHER = "crm-migrate watch"  # a thread that tells how far the run is, and does nothing for it
_STAMP = re.compile(r"\d{8}T\d{6}Z")  # in names of copies; another one each night


def _said(text: str) -> str:
    """The first words of a statement."""
    return _STAMP.sub("<stamp>", " ".join(text.split()))[:80]


_OPENED = _said(postgres.AS_OURS)  # with which every session begins


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

    @property
    def session(self) -> str:
        """What the session at hand is for, as its application_name says."""
        found = runner_of((self.connection.pgconn.parameter_status(b"application_name") or b"").decode())
        return "" if found is None else found.purpose


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
    """Call `meet` at every boundary, from now on until this process ends.

    psycopg sends everything through three generators: a connection's own commands (BEGIN, SAVEPOINT, COMMIT), a
    cursor's statement, and the beginning of a COPY. Another thread than the main one may only open a session and read:
    nobody could say in which order its places come.
    """
    readers: weakref.WeakSet[Any] = weakref.WeakSet()
    command, statement, copy = (
        BaseConnection._exec_command,
        BaseCursor._maybe_prepare_gen,
        BaseCursor._start_copy_gen,
    )

    def met(connection: Any, side: Side, text: bytes) -> None:
        if getattr(_unseen, "yes", False) or threading.current_thread().name == _WATCHER:
            return
        said = _said(text.decode(errors="replace"))
        if threading.current_thread() is threading.main_thread():
            meet(Boundary(connection, side, said))
        elif said.startswith("BEGIN") and "READ ONLY" in said:
            readers.add(connection)
        elif connection not in readers and said != _OPENED:
            raise AssertionError(f"a statement that may write, and is not of the main thread: {said}")

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
