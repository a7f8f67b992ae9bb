"""A customer's own functions that will break only when they are called: found beforehand, in the schema document.

PostgreSQL carries views, rules, indexes and triggers along when a table is renamed; the text of a function stays as it
is. Most of it still works, since views answer to the old names. What does not is told here, each kind tried out on a
migrated database (tests/test_routines.py), with the line that PostgreSQL's own messages would name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crm_migrate.notices import Notice
from crm_migrate.routines import rules, statements
from crm_migrate.routines.rules import Routine
from crm_migrate.schema import Document

_DEFINITION = re.compile(
    r"(?P<head>.*?)(?:^AS (?P<quote>\$\w*\$)(?P<body>.*)(?P=quote)\s*\Z|^(?P<standard>BEGIN ATOMIC|RETURN )|\Z)",
    re.MULTILINE | re.DOTALL,
)
_LANGUAGE = re.compile(r"^ LANGUAGE (\w+)", re.MULTILINE)
_TRIGGER = re.compile(
    r" ON (?:ONLY )?public\.(?P<table>\"?\w+\"?) (?P<rest>.*)EXECUTE FUNCTION (?P<function>[^(]+)\(", re.DOTALL
)
_TRANSITION = re.compile(r"(?:OLD|NEW) TABLE AS (\"?\w+\"?)")
_MOVED_NAME = re.compile(r"(?:constraint (?:deals|\"dealNotes\")\.|index |sequence )\"?((?:deals|dealNotes)_\w+)\"?$")


def notices(document: Document, server_version: str) -> Iterator[Notice]:
    """A warning for each line of a function that will break, or mean something else, after the migration.

    Args:
        server_version: such as 15.18; what a view can do depends on it.
    """
    moved = frozenset(match[1] for name in document if (match := _MOVED_NAME.match(name)))
    major = int(re.match(r"\d+", server_version)[0])  # type: ignore[index]
    for name, definition in document.items():
        if name.startswith("function ") and definition != "aggregate":
            routine = _routine(name, definition, document, moved, major)
            found = sorted(set(rules.broken(routine)), key=lambda finding: (finding.line or 0, finding.reason))
            for finding in found:
                yield Notice("warning", name, finding.line, finding.reason, finding.fix)


def _routine(name: str, definition: str, document: Document, moved: frozenset[str], major: int) -> Routine:
    match = _DEFINITION.match(definition)
    assert match is not None  # the last alternative matches anything
    language = _LANGUAGE.search(match["head"])
    tables, transitions = _fired_by(name, document)
    return Routine(
        head=match["head"],
        language=language[1] if language else "",
        is_standard=match["standard"] is not None,
        body=statements.read(match["body"] or ""),
        tables=tables,
        transitions=transitions,
        moved=moved,
        major=major,
    )


def _fired_by(name: str, document: Document) -> tuple[frozenset[str], frozenset[str]]:
    """The tables whose triggers call a function, and the names that these give to their transition tables."""
    called = name.removeprefix("function ").partition("(")[0]
    tables: set[str] = set()
    transitions: set[str] = set()
    for entry, definition in document.items():
        match = _TRIGGER.search(definition) if entry.startswith("trigger ") else None
        if match is not None and match["function"] == called:
            tables.add(match["table"].strip('"'))
            transitions |= {found.strip('"') for found in _TRANSITION.findall(match["rest"])}
    return frozenset(tables), frozenset(transitions)
