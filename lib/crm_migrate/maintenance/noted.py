"""What the database knows of its window: whether it is closed, since when, by which run, and until when (C8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql

from crm_migrate.errors import Refused
from crm_migrate.postgres import Connection


@dataclass(frozen=True, slots=True)
class Grant:
    """One privilege of one role on a relation of schema public.

    Attributes:
        column: empty for the whole relation.
        grantee, grantor: names of roles; grantee None is PUBLIC, grantor None the relation's owner.
        privilege: as PostgreSQL writes it, such as INSERT.
    """

    column: str
    grantee: str | None
    grantor: str | None
    privilege: str
    grantable: bool


@dataclass(frozen=True, slots=True)
class Window:
    """A closed window.

    Attributes:
        since: by the server's clock.
        run_id: the run that closed it; None where an earlier version did, which did not note it.
        until: when it is likely to open; None where nobody has estimated that.
    """

    since: datetime
    run_id: str | None
    until: datetime | None


def is_closed(connection: Connection) -> bool:
    """Whether the window is closed in this database."""
    row = connection.execute("select to_regclass('migration.window_state') is not null").fetchone()
    if not (row and row[0]):
        return False
    return connection.execute("select from migration.window_state").fetchone() is not None


def window(connection: Connection) -> Window | None:
    """The window while it is closed, None while it is open."""
    if not is_closed(connection):
        return None
    row = connection.execute(
        """
        select closed_at, to_jsonb(window_state) ->> 'run_id', (to_jsonb(window_state) ->> 'until')::timestamptz
        from migration.window_state
        """
    ).fetchone()
    return None if row is None else Window(*row)


def as_role(connection: Connection, role: str, work: Callable[[], object]) -> None:
    """Do something as another role, in the caller's transaction.

    Raises:
        Refused: this role cannot act as that one.
    """
    row = connection.execute("select current_user::text, current_setting('role')").fetchone()
    assert row is not None
    try:
        connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
    except psycopg.errors.InsufficientPrivilege as error:
        raise Refused(
            f"privileges that {role} granted cannot be given back: this role cannot act as {role}",
            hint=f"Connect as a member of {role}, and run the same command again.",
        ) from error
    work()
    connection.execute(sql.SQL("set local role {}").format(sql.Identifier(row[0])))
