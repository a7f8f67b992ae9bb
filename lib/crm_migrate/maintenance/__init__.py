"""The window: while it is closed nobody but the owner writes to schema public; opening undoes all of it exactly (C8).

What is taken away is noted first, in the same transaction, with grantor and grant option: privileges on tables,
columns, sequences, on the schema, on the database, on functions that write as their owner, and on relations elsewhere
through which others would write. The note survives a
crash, a second `close` adds to it and never overwrites it, and it follows a table through renames. The owner of the
tables and superusers still write.
"""

from __future__ import annotations

from crm_migrate.events import Event, Sink
from crm_migrate.maintenance import beyond, relations, sessions, through
from crm_migrate.maintenance.noted import Grant, Window, is_closed, window
from crm_migrate.maintenance.relations import forget, give, grants, shut
from crm_migrate.postgres import Connection

__all__ = ["Grant", "Window", "announce", "close", "forget", "give", "grants", "is_closed", "open_", "shut", "window"]


def close(
    connection: Connection,
    *,
    grace_seconds: float,
    emit: Sink,
    run_id: str | None = None,
    readers: bool = True,
) -> None:
    """Take every right to write from everybody but the owners, keep new sessions out, then end those of others.

    What cannot be taken (tables of strangers), kept out (another role's database) or ended (sessions of superusers) is
    said in a warning.

    Args:
        connection: acts as the owner of the tables, outside a transaction; the state tables are there.
        grace_seconds: what others get to end their sessions themselves; running transactions may commit until then.
        run_id: the run that closes it, or that adds to what another one has left closed.
        readers: whether the API may connect again, to read.

    Raises:
        Refused: a privilege was granted by a role that this one cannot act as, so that it could not be given back.
    """
    with connection.transaction():
        connection.execute("lock table migration.window_state in share row exclusive mode")
        connection.execute(
            """
            insert into migration.window_state as windows (run_id) values (%s)
            on conflict (is_closed) do update set run_id = coalesce(excluded.run_id, windows.run_id)
            """,
            [run_id],
        )
        taken = relations.close(connection) + beyond.close(connection, readers=readers, emit=emit)
        connection.execute("notify pgrst, 'reload schema'")
    reading = "everybody who is in may still read" if readers else "only the owner gets in"
    emit(Event("note", "window", f"{taken:,} privileges taken away; {reading}"))
    for name in relations.still_open(connection):
        emit(Event("warning", "window", f"others may still write to {name}: it does not belong to this role"))
    for name in (*beyond.still_open(connection), *through.still_open(connection)):
        message = f"others may still write to schema public through {name}: it does not belong to this role"
        emit(Event("warning", "window", message))
    sessions.end(connection, grace_seconds=grace_seconds, emit=emit)


def open_(connection: Connection) -> None:
    """Give back exactly what was taken away, and forget it; nothing where the window is open."""
    if not is_closed(connection):
        return
    with connection.transaction():
        connection.execute("lock table migration.window_state in share row exclusive mode")
        relations.open_(connection)
        beyond.open_(connection)
        connection.execute("delete from migration.window_state")
        connection.execute("notify pgrst, 'reload schema'")


def announce(connection: Connection, *, seconds: float) -> None:
    """Say when the window is likely to open, in whatever transaction is open; rounded up to the next five minutes."""
    connection.execute(
        """
        update migration.window_state
        set until = date_bin('5 minutes', clock_timestamp() + make_interval(secs => %s), 'epoch') + interval '5 minutes'
        """,
        [seconds],
    )
