"""Sessions of others: they get a grace period when the window closes, and are then ended (C8)."""

from __future__ import annotations

import time

from psycopg import errors as pg

from crm_migrate.events import Event, Sink
from crm_migrate.postgres import Connection
from crm_migrate.runners import APPLICATION

_ENDING_MS = 5_000  # what a session gets to end itself once it was told to
_LOOK_SECONDS = 0.2


def end(connection: Connection, *, grace_seconds: float, emit: Sink) -> None:
    """End the sessions of others; what is not ours to end is said in a warning.

    Args:
        grace_seconds: what they get to end themselves; running transactions may commit until then.
    """
    deadline = time.monotonic() + grace_seconds
    others = _others(connection)
    if others and grace_seconds:
        emit(Event("note", "window", f"{len(others)} other sessions; they are ended in {grace_seconds:g} s"))
    while others and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(_LOOK_SECONDS, left))
        others = _others(connection)
    ended = 0
    for pid, role, application in others:
        try:
            row = connection.execute("select pg_terminate_backend(%s, %s)", [pid, _ENDING_MS]).fetchone()
            ended += bool(row and row[0])
        except pg.InsufficientPrivilege:
            emit(
                Event(
                    "warning",
                    "window",
                    f"session {pid} ({application or 'unnamed'}) of {role} goes on: not ours to end",
                )
            )
    if ended:
        emit(Event("note", "window", f"{ended} other sessions ended"))


def _others(connection: Connection) -> list[tuple[int, str, str]]:
    """Sessions of clients in this database that are not ours: pid, role, application."""
    return connection.execute(
        """
        select pid, usename::text, coalesce(application_name, '')
        from pg_catalog.pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()
            and split_part(coalesce(application_name, ''), ' ', 1) <> %s
            and case
                when backend_type is not null then backend_type = 'client backend'
                -- of roles that this one may not look at, the server tells little more than that they are there
                else usesysid is not null and pid not in (select pid from pg_catalog.pg_stat_replication)
            end
        order by pid
        """,
        [APPLICATION],
    ).fetchall()
