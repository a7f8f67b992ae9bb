"""What the server's errors mean to the person on duty: a cause in words, and what to do about it, by SQLSTATE."""

from __future__ import annotations

import errno

import psycopg
from psycopg import errors as pg

from crm_migrate import personal
from crm_migrate.errors import MigrationError, ServerUnreachable, Stopped

_AGAIN = "then run the same command again: it resumes."
_ONCE_IT_ANSWERS = f"See in the server's log why; wait until it answers, {_AGAIN}"
_CAUSES: tuple[tuple[type[psycopg.Error], str, str], ...] = (
    (pg.DiskFull, "the server's disk is full", f"Make room on the server or give it a larger disk, {_AGAIN}"),
    (
        pg.OutOfMemory,
        "the server ran out of memory",
        f"Lower work_mem or maintenance_work_mem, for this step or for all, or batch_size, {_AGAIN}",
    ),
    (
        pg.TooManyConnections,
        "the server has no connection left",
        f"End sessions of the application or raise max_connections, {_AGAIN}",
    ),
    (
        pg.ConfigurationLimitExceeded,
        "a limit of the server is reached",
        f"Raise it (such as temp_file_limit), {_AGAIN}",
    ),
    (pg.CrashShutdown, "the server crashed, and recovers now", _ONCE_IT_ANSWERS),
    (
        pg.AdminShutdown,
        "the server was shut down, or somebody ended this session",
        f"Find out who, and whether the night goes on; once the server answers, {_AGAIN.removeprefix('then ')}",
    ),
    (pg.CannotConnectNow, "the server starts or stops", _ONCE_IT_ANSWERS),
    (
        pg.IdleInTransactionSessionTimeout,
        "the session stood idle for longer than idle_timeout_ms",
        f"See what held this machine up, or raise idle_timeout_ms, {_AGAIN}",
    ),
    (
        pg.QueryCanceled,
        "a statement was cancelled: it ran for longer than statement_timeout_ms, or somebody did it",
        f"Raise statement_timeout_ms where the statement needs longer, {_AGAIN}",
    ),
    (
        pg.LockNotAvailable,
        "somebody else holds a lock for longer than lock_timeout_ms",
        f"End that session, or raise lock_timeout_ms, {_AGAIN}",
    ),
    (pg.DeadlockDetected, "deadlocks with another session, again and again", f"End that session, {_AGAIN}"),
    (
        pg.IoError,
        "the server cannot read or write its files",
        f"Look at its disk and its log first; if that is sound, {_AGAIN.removeprefix('then ')}",
    ),
    (
        pg.DataCorrupted,
        "the server finds its own files damaged",
        "Do not go on: look at its disk and its log, and restore from a backup if need be.",
    ),
    (
        pg.InsufficientPrivilege,
        "this role may not do that",
        f"Give it the right, or connect as the owner of the tables, {_AGAIN}",
    ),
)


def cause(error: psycopg.Error) -> tuple[str, str]:
    """Why, in words, and what to do.

    The server's details, and what it says of values that do not fit, would quote rows and are left out (H3).
    """
    state = "" if error.sqlstate is None else f" (SQLSTATE {error.sqlstate})"
    for kind, words, hint in _CAUSES:
        if isinstance(error, kind):
            return f"{words}{state}", hint
    lost = (psycopg.OperationalError, psycopg.InterfaceError)  # the latter once psycopg itself knows
    if isinstance(error, lost) and (error.sqlstate or "08").startswith("08"):
        return f"the session with the server is lost{state}", _ONCE_IT_ANSWERS
    if isinstance(error, psycopg.DataError):
        return f"a value does not fit: {type(error).__name__}{state}", f"Mend the row or the input file, {_AGAIN}"
    said = (error.diag.message_primary or str(error) or type(error).__name__).splitlines()[0]
    return f"{personal.without_addresses(said)}{state}", f"Mend the cause, {_AGAIN}"


def stopped(error: BaseException, what: str) -> BaseException:
    """The error as it is told: what comes from the server, the disk here or the keyboard as `Stopped`, others as is.

    Args:
        what: who stopped, such as "run 2026…"; begins the message.
    """
    if isinstance(error, psycopg.Error):
        words, hint = cause(error)
        return Stopped(f"{what} stopped: {words}", hint=hint)
    if isinstance(error, ServerUnreachable):
        return Stopped(f"{what} stopped: {error}", hint=f"{error.hint} Then run the same command again: it resumes.")
    if isinstance(error, OSError) and not isinstance(error, MigrationError):
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        words = "the disk of this machine is full" if full else error.strerror or type(error).__name__
        place = f" ({error.filename})" if error.filename else ""
        return Stopped(f"{what} stopped: {words}{place}", hint=f"{'Make room' if full else 'Mend that'}, {_AGAIN}")
    if isinstance(error, KeyboardInterrupt):
        return Stopped(
            f"{what} was interrupted; what was committed is kept, the window stays as it is",
            hint="Run the same command again: it resumes.",
        )
    return error
