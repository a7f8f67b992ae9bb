"""What breaks, kind by kind; each rule gives the lines that it finds in a function.

Deals and their notes are views afterwards, over tables with other names and more columns; contacts and companies get
columns. What is not named here goes on as before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from crm_migrate.routines import queries
from crm_migrate.routines.statements import Body, Statement, Word

GROWN = ("contacts", "companies")
VIEWS = {"deals": "opportunities", "dealNotes": "opportunityNotes"}
_MOVED_COLUMNS = {"deals": ("stage", "legacy_stage"), "dealNotes": ("deal_id", "opportunity_id")}
_TABLE_ONLY = (
    ("truncate",),
    ("truncate", "table"),
    ("copy",),
    ("alter", "table"),
    ("drop", "table"),
    ("reindex", "table"),
    ("cluster",),
    ("references",),
    ("inherits", "("),
    ("comment", "on", "table"),
)
_MADE_ON = {"index", "policy", "trigger"}
_SIZES = {
    "pg_total_relation_size",
    "pg_relation_size",
    "pg_table_size",
    "pg_indexes_size",
    "pg_tables",
    "pg_indexes",
    "pg_stat_user_tables",
}
_MERGE_INTO_VIEWS = 17  # the first version that can
_LIST = "List the columns that are meant."
_COMPARED = {"=", "<>", "!="}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that breaks."""

    line: int | None
    reason: str
    fix: str


@dataclass(frozen=True, slots=True)
class Routine:
    """A function as the rules look at it.

    Attributes:
        head: the definition above the body.
        is_standard: whether the body is SQL-standard, so that PostgreSQL holds what it names by object, not by name.
        tables: whose triggers call it.
        transitions: names of transition tables in those triggers.
        moved: constraints, indexes and sequences that get another name.
        major: of the server's version.
    """

    head: str
    language: str
    is_standard: bool
    body: Body
    tables: frozenset[str]
    transitions: frozenset[str]
    moved: frozenset[str]
    major: int


def broken(routine: Routine) -> Iterator[Finding]:
    """Everything that every rule finds; the same thing may be found twice."""
    yield from _row_of_a_view(routine)
    yield from _row_of_a_grown_table(routine)
    if routine.language not in ("sql", "plpgsql"):
        return
    if not routine.body.is_readable:
        yield Finding(None, "its text could not be read", "Look for deals and dealNotes in it yourself.")
    yield from _columns_of_a_grown_table(routine)
    records = queries.records(routine.body)
    for statement in routine.body.statements:
        if statement.words:
            yield from _in_trigger(routine, statement)
            yield from _whole_record(routine, statement, records)
            for inner in (statement, *(part for part in statement.dynamic if part.words)):
                yield from _command(inner)
                yield from _names(routine, inner)
                yield from _query(routine, inner)


def _row_of_a_view(routine: Routine) -> Iterator[Finding]:
    for match in re.finditer(r"public\.(deals|\"dealNotes\")(?![\w\"'.])", routine.head):
        if not re.search(r"\bOUT \S+ $", routine.head[: match.start()]):
            table = match[1].strip('"')
            yield Finding(
                None,
                f"takes or returns a row of {table}, which means a row of table {VIEWS[table]} from then on",
                f"Drop it before the migration and create it again after it: it then means a row of view {table}.",
            )


def _row_of_a_grown_table(routine: Routine) -> Iterator[Finding]:
    match = re.search(r"RETURNS (?:SETOF )?public\.(contacts|companies)\b", routine.head)
    if match is None:
        return
    reason = f"returns rows of {match[1]}, which get more columns, but lists the columns that there are now"
    if routine.is_standard:
        yield Finding(None, reason, "Create it again after the migration.")
    for query in queries.results(routine.body, routine.language):
        if not queries.is_open(query.tree):
            yield Finding(query.line, reason, "Select all columns with *, or return a table of its own.")


def _columns_of_a_grown_table(routine: Routine) -> Iterator[Finding]:
    if re.search(r"RETURNS (TABLE\(|SETOF record|record)", routine.head) is None:
        return
    for query in queries.results(routine.body, routine.language):
        if (table := queries.star_of(query.tree, GROWN)) is not None:
            reason = f"returns all columns of {table}, which gets more, as a list of columns"
            yield Finding(query.line, reason, _LIST)


def _in_trigger(routine: Routine, statement: Statement) -> Iterator[Finding]:
    texts = statement.texts
    for table in routine.tables & VIEWS.keys():
        column, called = _MOVED_COLUMNS[table]
        fix = f"Name it {called} once the migration is done."
        for number, word in enumerate(statement.words):
            if word.text != column or not number:
                continue
            row = texts[number - 2] if number > 1 and texts[number - 1] == "." else ""
            if word.is_string and texts[number - 1] in ("->", "->>"):
                yield Finding(word.line, f"reads {column} of a row of {table}, where it is called {called}", fix)
            elif row in ("new", "old") and not _is_compared_with_itself(statement, number):
                yield Finding(word.line, f"names {row}.{column}, which is called {called} in the table", fix)
            elif not word.is_string and row not in ("new", "old") and routine.transitions & set(texts):
                yield Finding(word.line, f"names {column} of the changed rows, which is called {called} there", fix)
        if {"tg_table_name", "tg_relname", "tg_relid"} & set(texts):
            for word in statement.words:
                if word.is_string and word.text.removeprefix("public.").strip('"') == table:
                    yield Finding(
                        word.line,
                        f"compares the trigger's table with {table}, which is called {VIEWS[table]}",
                        f"Compare it with {VIEWS[table]} too.",
                    )


def _is_compared_with_itself(statement: Statement, number: int) -> bool:
    """Whether old and new value of a column are compared with each other, which works whatever the type is."""
    texts = statement.texts
    column = texts[number]
    rows = (("new", "old"), ("old", "new"))
    for one, other in rows:
        for between in (
            *((sign,) for sign in _COMPARED),
            ("is", "distinct", "from"),
            ("is", "not", "distinct", "from"),
        ):
            pattern = (one, ".", column, *between, other, ".", column)
            for start in (number - 2, number - len(pattern) + 1):
                if start >= 0 and texts[start : start + len(pattern)] == pattern:
                    return True
    return False


def _whole_record(routine: Routine, statement: Statement, records: frozenset[str]) -> Iterator[Finding]:
    """A record with all its columns put into another table, which has as many as there were."""
    texts = statement.texts
    changed = routine.tables & {*GROWN, *VIEWS}
    if "insert" not in texts:
        return
    for number, word in enumerate(statement.words):
        rest = tuple(text for text in texts[number + 1 : number + 4] if text != ")")[:2]
        if (
            rest == (".", "*")
            and not word.is_string
            and (word.text in records or (changed and word.text in ("new", "old")))
        ):
            yield Finding(
                word.line,
                f"inserts all columns of {word.text}, which get more",
                "List the columns, or give the other table the new ones.",
            )


def _command(statement: Statement) -> Iterator[Finding]:
    """Statements that work on tables, not on views."""
    texts = statement.texts
    for number, word in enumerate(statement.words):
        if word.text not in VIEWS or not _is_table(statement, number):
            continue
        before = texts[:number]
        for filling in (("public", "."), ("only",), ("if", "exists")):
            before = before[: -len(filling)] if before[-len(filling) :] == filling else before
        for command in _TABLE_ONLY:
            if before[-len(command) :] == command:
                yield _no_table(word, f"{' '.join(command).removesuffix(' (')} {word.text}")
        created = before[len(before) - before[::-1].index("create") :] if "create" in before else ()
        if before[-1:] == ("on",) and (made := _MADE_ON & set(created[:4])):
            yield _no_table(word, f"create {' '.join(made)} on {word.text}")
        if "tablesample" in texts[number + 1 : number + 4]:
            yield _no_table(word, f"tablesample of {word.text}")
    if {"current", "of"} <= set(texts) and VIEWS.keys() & set(texts):
        yield Finding(
            statement.line_of("current"), "where current of does not work on a view", "Find the row by its id."
        )


def _is_table(statement: Statement, number: int) -> bool:
    """Whether a word is a name and not a literal; in a command that is put together, a literal is a name too."""
    return not statement.words[number].is_string or statement.texts[:1] == ("execute",)


def _no_table(word: Word, what: str) -> Finding:
    return Finding(
        word.line,
        f"{what}: {word.text} is a view from then on, over table {VIEWS[word.text]}",
        f"Name {VIEWS[word.text]} instead once the migration is done.",
    )


def _names(routine: Routine, statement: Statement) -> Iterator[Finding]:
    for word in statement.words:
        name = word.text.removeprefix("public.").strip('"')
        if name in routine.moved:
            table = name.partition("_")[0]
            yield Finding(
                word.line,
                f"names {name}, which is called {VIEWS[table]}{name.removeprefix(table)}",
                "Use the new name once the migration is done.",
            )
        if name in VIEWS and word.is_string:
            if "pg_get_serial_sequence" in statement.texts:
                yield _no_table(word, f"pg_get_serial_sequence of {name} is null")
            elif found := sorted(_SIZES & set(statement.texts)):
                yield _no_table(word, f"{found[0]} knows tables only")


def _query(routine: Routine, statement: Statement) -> Iterator[Finding]:
    for query in statement.queries:
        for table in queries.stars_into_other_columns(query.tree, GROWN):
            reason = f"takes all columns of {table}, which gets more, for as many as there are now"
            yield Finding(query.line, reason, _LIST)
        for table in queries.grouped_by_key(query.tree, tuple(VIEWS)):
            yield Finding(
                statement.line_of("group by"),
                f"groups by the id of {table}, a view from then on, whose other columns PostgreSQL does not infer",
                f"Group by all selected columns, or name {VIEWS[table]} once the migration is done.",
            )
        for column in queries.system_columns(query.tree, tuple(VIEWS)):
            yield Finding(statement.line_of(column), f"names {column}, which a view has not", "Find the row by its id.")
        if routine.major < _MERGE_INTO_VIEWS and (target := queries.merged(query.tree, tuple(VIEWS))):
            yield Finding(
                query.line,
                f"merges into {target}, a view from then on, which works from PostgreSQL 17 on",
                f"Name {VIEWS[target]} instead once the migration is done.",
            )
