"""The throw-away databases of rehearsals on the embedded server, each held by a lock that ends with its process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg import sql

from crm_migrate import embedded, postgres
from crm_migrate.errors import Refused
from crm_migrate.postgres import Connection

_NAMES = "rehearsal_"


@contextmanager
def made(admin: Connection, run_id: str) -> Iterator[str]:
    """Make an empty database for a run's rehearsal, and drop it at the end; gives its name.

    Args:
        admin: a session of the server's superuser in database postgres, with autocommit; holds the lock.

    Raises:
        Refused: another process rehearses this run now.
    """
    name = f"{_NAMES}{run_id}".lower()
    for left in _abandoned(admin):
        _drop(admin, left)
    if not _claim(admin, name):
        raise Refused(f"run {run_id} is being rehearsed by another process", hint="Wait for its end.")
    try:
        _drop(admin, name)
        admin.execute(
            sql.SQL("create database {} template template0 owner {}").format(
                sql.Identifier(name), sql.Identifier(embedded.OWNER)
            )
        )
        yield name
    finally:
        if not admin.closed:  # else the next rehearsal drops it
            _drop(admin, name)
            _let_go(admin, name)


def abandoned(workspace: Path, *, remove: bool) -> tuple[str, ...]:
    """Databases of rehearsals whose processes are dead; none where the embedded server does not run.

    Args:
        remove: whether they are dropped.
    """
    if not embedded.is_running(workspace):
        return ()
    with postgres.connect(embedded.start(workspace).admin_url(), autocommit=True) as admin:
        left = _abandoned(admin)
        for name in left if remove else ():
            _drop(admin, name)
    return left


def _abandoned(admin: Connection) -> tuple[str, ...]:
    rows = admin.execute(
        "select datname::text from pg_catalog.pg_database where starts_with(datname, %s) order by 1", [_NAMES]
    ).fetchall()
    dead = []
    for (name,) in rows:
        if _claim(admin, name):
            _let_go(admin, name)
            dead.append(name)
    return tuple(dead)


def _claim(admin: Connection, name: str) -> bool:
    return admin.execute("select pg_try_advisory_lock(hashtextextended(%s, 0))", [name]).fetchone() == (True,)


def _let_go(admin: Connection, name: str) -> None:
    admin.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", [name])


def _drop(admin: Connection, name: str) -> None:
    admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
