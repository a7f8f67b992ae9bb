"""Whose fault an error of the server is, and how it may be told: a row's own can be set aside, no other can (C6)."""

from __future__ import annotations

import re

import psycopg
from psycopg import errors as pg

_CLASSES = (  # of SQLSTATEs that a row's values, or a trigger's verdict on them, give rise to
    *("22", "23"),  # a value that does not fit, a constraint
    *("09", "27", "38", "39"),  # a trigger or a routine in another language
    "44",  # a view's check option
    "P0",  # raise and assert in PL/pgSQL
)
_TOO_LARGE = "54000"  # a row that no index can hold
_DELIBERATE = "exec_stmt_raise"  # the server's routine for RAISE, whatever SQLSTATE it was given
_OF_THE_MOMENT = ("08", "40", "53", "55", "57", "58")  # session, concurrency, resources
_ROUTINE = re.compile(r"PL/\w+ function (?:\w+\.)?(?P<name>[\w\"]+)\([^)]*\)(?: line (?P<line>\d+))?")


def is_of_a_row(error: psycopg.Error) -> bool:
    """Whether the values of some row brought an error about, so that all other rows may do without that one."""
    state = error.sqlstate or ""
    if state.startswith(_CLASSES) or state == _TOO_LARGE:
        return True
    return error.diag.source_function == _DELIBERATE and not is_of_the_moment(error)


def is_of_the_moment(error: psycopg.Error) -> bool:
    """Whether the same statement may do next time: a lost session, somebody's lock, a server without room."""
    return error.sqlstate is None or error.sqlstate.startswith(_OF_THE_MOMENT)


def said(error: psycopg.Error) -> str:
    """What is wrong with a row, without its values: names of a constraint, a column or a routine (H3).

    The server's own message may quote the row, and that of a customer's trigger may say anything.
    """
    diagnosis = error.diag
    if isinstance(error, pg.NotNullViolation) and diagnosis.column_name:
        return f"{diagnosis.column_name} must not be null"
    raised = _ROUTINE.search(diagnosis.context or "")
    if raised is not None and (diagnosis.source_function == _DELIBERATE or (error.sqlstate or "").startswith("P0")):
        line = f", line {raised['line']}" if raised["line"] else ""
        return f"refused by function {raised['name']}(){line}"
    if diagnosis.constraint_name:
        return f"violates {diagnosis.constraint_name}"
    what = type(error).__name__
    return f"a value does not fit its column ({what})" if isinstance(error, psycopg.DataError) else what
