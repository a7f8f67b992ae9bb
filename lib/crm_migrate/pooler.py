"""Is there a pooler between, which gives each transaction another backend? Then no lock and no setting would hold (C7).

A pooler in session mode is fine: a session keeps its backend there.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg.conninfo import make_conninfo

from crm_migrate import postgres
from crm_migrate.errors import Refused
from crm_migrate.postgres import Connection

HINT = "Connect to the server itself, or through the pooler's session mode (on Supabase port 5432)."
_ROUNDS = 4  # a pooler that takes turns among its idle backends comes to another one by then


def require_own_backend(connection: Connection) -> None:
    """Check that this session keeps its backend; costs one round trip where no pooler is between.

    Raises:
        Refused: a pooler gives each transaction another backend.
    """
    direct = connection.info.backend_pid == postgres.backend_pid(connection)
    if not direct and is_pooled(connection):
        raise Refused("a pooler stands between, which gives each transaction another backend", hint=HINT)


def is_pooled(connection: Connection) -> bool:
    """Ask in two further sessions, one of which holds a transaction for a while, so that backends change hands.

    Raises:
        ServerUnreachable: two more sessions could not be had.
    """
    url = make_conninfo(connection.info.dsn, password=connection.info.password or None)
    try:
        with (
            postgres.connect(url, autocommit=True, purpose="preflight") as one,
            postgres.connect(url, purpose="preflight") as two,
        ):
            first, other, later = postgres.backend_pid(one), postgres.backend_pid(two), [postgres.backend_pid(one)]
            two.commit()  # its backend is the one that a pooler hands out next
            later.extend(postgres.backend_pid(one) for _ in range(_ROUNDS))
    except psycopg.errors.ProtocolViolation:  # how a pooler says that it has no backend left, or allows no transaction
        return True
    return are_shared(first, other, later)


def are_shared(first: int, other: int, later: Sequence[int]) -> bool:
    """Whether two sessions share backends: the same one serves both, or a session's own has changed.

    Args:
        first: backend of session A.
        other: that of session B while it holds a transaction.
        later: those of A from then on.
    """
    return first == other or any(backend != first for backend in later)
