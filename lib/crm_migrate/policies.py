"""Which policies of a table fit a new one, and how their expressions read there (C10).

A policy is carried over only if every column of its table that it names means the same in the new one. What a name
alone cannot say stands in `_MEANS_THE_SAME`; all else is for a person to decide, in `policies.csv`.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlglot
from sqlglot import exp

from crm_migrate.catalog import Catalog, created
from crm_migrate.notices import Notice
from crm_migrate.schema import Document

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # its warnings would repeat the text on the terminal
FILE = "policies.csv"
LEGACY = {"opportunities": "deals"}
_COMMANDS = {"r": "select", "a": "insert", "w": "update", "d": "delete", "*": "all"}
_TIMES = {"created_at": "timestamp with time zone"}
# (source, target) → column → type. `id`, `name`, `type`, `text` are of another thing there, and a task's contact is not
# the one who took part in a meeting, so none of these is listed.
_MEANS_THE_SAME: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("tasks", "activities"): {"contact_id": "bigint"},
    ("opportunities", "opportunity_participants"): _TIMES,
    ("opportunities", "opportunity_products"): _TIMES,
    ("companies", "products"): _TIMES,
    ("companies", "principal_distributor_relationships"): _TIMES,
}
_TYPE = re.compile(r"\d+ (?P<type>.*?)(?: not null| default | identity | generated | collate |$)")
_NO_COLUMNS = {"current_user", "session_user", "current_role", "current_date", "current_timestamp", "localtimestamp"}
_FIX = f"Give its expressions for the new table in {FILE}, or drop the policy if nobody needs it."


class DoesNotFit(ValueError):
    """A policy that a table cannot take over as it is; the message says why."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy as the catalogue has it; the expressions are PostgreSQL's own text.

    Attributes:
        columns: of the policy's own table, as far as the expressions name them one by one.
    """

    name: str
    command: str
    permissive: bool
    roles: tuple[str, ...]
    using: str | None
    check: str | None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """What a line of `policies.csv` says."""

    line: int
    table: str
    policy: str
    using: str | None
    check: str | None


# The policy of a new table whose source has no row-level security: there, whoever holds a grant sees every row.
OPEN = Policy("Open to all who hold a grant", "all", True, ("public",), "true", "true")


def of(document: Document, table: str) -> tuple[Policy, ...]:
    """The policies of a table of schema public, by name."""
    entries = [json.loads(text) for name, text in document.items() if name.startswith("policy ")]
    found = (
        Policy(
            entry["name"],
            _COMMANDS[entry["command"]],
            entry["permissive"],
            tuple(entry["roles"]),
            entry["using"],
            entry["check"],
            tuple(entry["columns"]),
        )
        for entry in entries
        if entry["table"] == table
    )
    return tuple(sorted(found, key=lambda policy: policy.name))


def carried(policy: Policy, source: str, target: str, types: Mapping[str, str]) -> Policy:
    """The policy as it reads on the target.

    Args:
        types: of the source's columns, by name.

    Raises:
        DoesNotFit: it names what the target lacks, or cannot be read; says which in words.
    """
    same = _MEANS_THE_SAME.get((source, target), {})
    strange = [column for column in policy.columns if same.get(column) is None or types.get(column) != same[column]]
    if strange:
        legacy = LEGACY.get(source, source)
        raise DoesNotFit(
            f"names {', '.join(f'{legacy}.{column}' for column in strange)}, "
            f"and {target} has no column that means the same"
        )
    using, check = (_renamed(text, source, target) for text in (policy.using, policy.check))
    return replace(policy, using=using, check=check, columns=())


def supplied(policy: Policy, given: Given) -> Policy:
    """The policy with the expressions of the analyst.

    Raises:
        DoesNotFit: an expression is missing, or is one too many; begins with the file's column.
    """
    for column, theirs, ours, never in (
        ("using_expression", given.using, policy.using, ("insert",)),
        ("check_expression", given.check, policy.check, ("select", "delete")),
    ):
        if ours is not None and theirs is None:
            raise DoesNotFit(f"{column}: is missing, and policy {policy.name!r} has one")
        if theirs is not None and policy.command in never:
            raise DoesNotFit(f"{column}: a policy for {policy.command} has none")
    return replace(policy, using=given.using, check=given.check, columns=())


def wrong(expression: str) -> str | None:
    """Why a text is no expression, in words, or None where it is one."""
    try:
        trees: list[Any] = sqlglot.parse(expression, read="postgres")
    except (sqlglot.errors.SqlglotError, RecursionError):
        return "is not an SQL expression"
    if len(trees) != 1 or not isinstance(trees[0], exp.Condition | exp.Subquery):
        return "is not one SQL expression"
    return None


def notices(document: Document, catalog: Catalog, given: Iterable[Given]) -> Iterator[Notice]:
    """A blocker for each policy that no new table can take over, and for each line of `policies.csv` that is wrong."""
    pairs = [
        (source, target)
        for phase in catalog.phases
        for step in phase.steps
        if step.kind == "policies"
        for source, _arrow, target in [step.subject.partition("->")]
    ]
    lines = {(line.table, line.policy): line for line in given}
    columns = _columns_of_new_tables(catalog)
    for source, target in pairs:
        legacy = LEGACY.get(source, source)
        of_source = of(document, legacy) if " rls" in document.get(f"relation {legacy}", "") else ()
        for policy in of_source:
            line = lines.pop((target, policy.name), None)
            if line is not None:
                yield from _about_line(policy, line, columns.get(target, frozenset()))
                continue
            try:
                carried(policy, source, target, _types(document, legacy))
            except DoesNotFit as error:
                what = f"policy {policy.name!r} of {legacy}, for {target}"
                yield Notice("blocker", what, None, str(error), _FIX)
    tables = {target: LEGACY.get(source, source) for source, target in pairs}
    for line in lines.values():
        reason = f"{tables.get(line.table, line.table)} has no such policy in force"
        yield _of_line(line, "policy_name", reason)


def _about_line(policy: Policy, line: Given, columns: frozenset[str]) -> Iterator[Notice]:
    try:
        supplied(policy, line)
    except DoesNotFit as error:
        column, _, reason = str(error).partition(": ")
        yield _of_line(line, column, reason)
    for column, text in (("using_expression", line.using), ("check_expression", line.check)):
        unknown = sorted(_outer_columns(text, line.table) - columns) if text else []
        if unknown:
            yield _of_line(line, column, f"{line.table} has no column {', '.join(unknown)}")


def _of_line(line: Given, column: str, reason: str) -> Notice:
    return Notice("blocker", f"{FILE}, line {line.line}, column {column}", None, reason, f"Correct {FILE}.")


def _types(document: Document, table: str) -> dict[str, str]:
    """Types of a table's columns, as the document tells them."""
    prefix = f"column {table}."
    found = {name.removeprefix(prefix): text for name, text in document.items() if name.startswith(prefix)}
    return {column: match["type"] for column, text in found.items() if (match := _TYPE.match(text))}


def _renamed(expression: str | None, source: str, target: str) -> str | None:
    """PostgreSQL's text with the new table's name where the old one qualifies a column.

    Only those names are replaced, at their places; the text itself stays as it is. In an inner query that has a table
    of that name for itself, the name is that table's.
    """
    if expression is None:
        return None
    try:
        tree: Any = sqlglot.parse_one(expression, read="postgres")
    except sqlglot.errors.SqlglotError:
        raise DoesNotFit(f"has an expression that cannot be read, so that it cannot be told of {target}") from None
    places = []
    for column in tree.find_all(exp.Column):
        name = column.args.get("table")
        if name is None or name.name != source or column.args.get("db") or _is_shadowed(column, source):
            continue
        if isinstance(column.this, exp.Star):
            raise DoesNotFit(f"uses the whole row of {LEGACY.get(source, source)}, which {target} has not")
        places.append((name.meta["start"], name.meta["end"] + 1))
    for start, end in sorted(places, reverse=True):
        expression = expression[:start] + _identifier(target) + expression[end:]
    return expression


def _is_shadowed(column: Any, name: str) -> bool:
    """Whether a query around a column has a table of this name."""
    query = column.find_ancestor(exp.Select)
    while query is not None:
        joined = [join.this for join in query.args.get("joins") or ()]
        first = query.args.get("from_")
        tables = ([first.this] if first is not None else []) + joined
        if any(table.alias_or_name == name for table in tables):
            return True
        query = query.find_ancestor(exp.Select)
    return False


def _outer_columns(expression: str, target: str) -> set[str]:
    """Columns of the policy's own table that an expression names outside of inner queries, or with the table's name."""
    tree: Any = sqlglot.parse_one(expression, read="postgres")
    return {
        column.name
        for column in tree.find_all(exp.Column)
        if column.name.lower() not in _NO_COLUMNS
        and (
            (column.table == target and not _is_shadowed(column, target))
            or (not column.table and column.find_ancestor(exp.Select) is None)
        )
    }


def _columns_of_new_tables(catalog: Catalog) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for kind, name in created(catalog):
        if kind == "column":
            table, column = name.split(".", 1)
            found.setdefault(table, set()).add(column)
    for files in catalog.sql_files.values():
        for match in re.finditer(r"^create table public\.(\w+) \((.*?)^\);", files.apply, re.MULTILINE | re.DOTALL):
            names = re.findall(r"^    (\w+) ", match[2], re.MULTILINE)
            found.setdefault(match[1], set()).update(name for name in names if name != "constraint")
    return {table: frozenset(columns) for table, columns in found.items()}


def _identifier(name: str) -> str:
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else f'"{name}"'
