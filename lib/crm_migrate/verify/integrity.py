"""References, keys and required values asked as questions of their own: that a constraint stands is no proof (D4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import psycopg

from crm_migrate import faults
from crm_migrate.postgres import Connection
from crm_migrate.verify.value import Result

_REFERENCE = re.compile(r"FOREIGN KEY \((?P<columns>.+?)\) REFERENCES (?P<parent>\S+?)\((?P<keys>.+?)\)")
_UNIQUE = re.compile(
    r"CREATE UNIQUE INDEX \S+ ON (?P<table>\S+) USING btree \((?P<columns>.*?)\)"
    r"(?P<nulls> NULLS NOT DISTINCT)?(?: WHERE (?P<condition>.*))?"
)


def holds(connection: Connection, expected: Mapping[str, str | None]) -> Iterator[Result]:
    """Ask for orphans, for duplicates and for missing values, whatever constraints the database has.

    Args:
        expected: definition by object, as `expected.wanted` gives it: the rules are read from there.
    """
    kinds: tuple[tuple[str, Callable[[Mapping[str, str | None]], Iterator[tuple[str, str]]]], ...] = (
        ("no reference leads nowhere", _orphans),
        ("no key is there twice", _duplicates),
        ("no required value is missing", _nulls),
    )
    for check, asked in kinds:
        wrong, count = [], 0
        for name, question in asked(expected):
            count += 1
            try:
                row = connection.execute(question.encode()).fetchone()
            except psycopg.Error as error:
                if faults.is_of_the_moment(error):
                    raise
                wrong.append(f"{name} could not be asked: {type(error).__name__}")
            else:
                if row is not None and row[0]:
                    wrong.append(f"{name}: {row[0]:,} rows")
        yield Result(check, not wrong, "; ".join(wrong) if wrong else f"{count:,} questions, no row")


def _orphans(expected: Mapping[str, str | None]) -> Iterator[tuple[str, str]]:
    for name, definition in expected.items():
        found = _REFERENCE.match(definition or "")
        if found is None or not name.startswith("constraint "):
            continue
        columns, keys = found["columns"].split(", "), found["keys"].split(", ")
        same = " and ".join(f"parents.{key} = children.{column}" for key, column in zip(keys, columns, strict=True))
        given = " and ".join(f"children.{column} is not null" for column in columns)
        yield (
            name,
            f"select count(*) from public.{_table(name)} as children where {given} "
            f"and not exists (select from {found['parent']} as parents where {same})",
        )


def _duplicates(expected: Mapping[str, str | None]) -> Iterator[tuple[str, str]]:
    for name, definition in expected.items():
        found = _UNIQUE.fullmatch((definition or "").strip())
        if found is None or not name.startswith("index "):
            continue
        conditions = [f"num_nulls({found['columns']}) = 0"] if found["nulls"] is None else []
        if found["condition"] is not None:
            conditions.append(found["condition"])
        where = f" where {' and '.join(conditions)}" if conditions else ""
        yield (
            name,
            f"select count(*) from (select from {found['table']}{where} group by {found['columns']} "
            "having count(*) > 1) as repeated",
        )


def _nulls(expected: Mapping[str, str | None]) -> Iterator[tuple[str, str]]:
    required: dict[str, list[str]] = {}
    for name, definition in expected.items():
        if name.startswith("column ") and definition is not None and " not null" in definition:
            required.setdefault(_table(name), []).append(name.rpartition(".")[2])
    for table, columns in required.items():
        listed = ", ".join(columns)
        yield (
            f"required columns of {table}",
            f"select count(*) from public.{table} where num_nulls({listed}) > 0",
        )


def _table(name: str) -> str:
    """Of `constraint public_name.constraint_name` or `column table.column`, quoted as it stands there."""
    return name.partition(" ")[2].partition(".")[0]
