"""The completion checklist: every task implemented, tested, reviewed and signed, and not by one and the same (B6).

`checklist.toml` lies in the folder of inputs: a table `[[task]]` each, with `name` and four marks `Name @ timestamp`.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crm_migrate.errors import BadInputs

FILE = "checklist.toml"
MARKS = ("implemented", "tested", "reviewed", "signed")
_MARK = re.compile(r"\s*(?P<name>[^@\s][^@]*?)\s*@\s*(?P<at>\S.*?)\s*")


@dataclass(frozen=True, slots=True)
class Mark:
    """Who did it, and when."""

    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Task:
    """One task; a mark that it lacks is not in `marks`."""

    name: str
    marks: dict[str, Mark]


@dataclass(frozen=True, slots=True)
class Checklist:
    """All tasks in their order."""

    tasks: tuple[Task, ...]

    def open(self, now: datetime) -> tuple[str, ...]:
        """What is missing, a sentence each; nothing where the list is complete."""
        found = [] if self.tasks else [f"{FILE} lists no task"]
        for task in self.tasks:
            missing = [mark for mark in MARKS if mark not in task.marks]
            if missing:
                found.append(f"{task.name!r} is not {' nor '.join(missing)}")
            early = [mark for mark, given in task.marks.items() if given.at > now]
            if early:
                found.append(f"{task.name!r} is {' and '.join(early)} at a time to come")
            implemented, reviewed = task.marks.get("implemented"), task.marks.get("reviewed")
            if implemented and reviewed and _folded(implemented.name) == _folded(reviewed.name):
                found.append(f"{task.name!r} is reviewed by {reviewed.name}, who implemented it")
        return tuple(found)


def load(folder: Path | None) -> Checklist | None:
    """Read `checklist.toml` of the folder of inputs; None where there is none.

    A time without a zone is in UTC.

    Raises:
        BadInputs: names every wrong entry.
    """
    path = None if folder is None else folder / FILE
    if path is None or not path.is_file():
        return None
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInputs((f"{FILE}: {error}",)) from None
    problems = [f"{FILE}: there is no {name!r}; tasks are [[task]]" for name in document if name != "task"]
    entries = document.get("task", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        problems.append(f"{FILE}: tasks are [[task]]")
        entries = []
    tasks = tuple(_task(number, entry, problems) for number, entry in enumerate(entries, start=1))
    if problems:
        raise BadInputs(tuple(problems))
    return Checklist(tasks)


def _folded(name: str) -> str:
    """A name without regard to case, width and blanks."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _task(number: int, entry: dict[str, Any], problems: list[str]) -> Task:
    name = str(entry.get("name", "")).strip()
    if not name:
        problems.append(f"{FILE}, task {number}: it has no name")
    problems += [
        f"{FILE}, task {number}: there is no {key!r}; marks are {', '.join(MARKS)}"
        for key in entry
        if key not in ("name", *MARKS)
    ]
    marks: dict[str, Mark] = {}
    for mark in MARKS:
        text = entry.get(mark, "")
        if text == "":
            continue
        try:
            marks[mark] = _mark(str(text))
        except ValueError:
            problems.append(f"{FILE}, task {number}, {mark}: not `Name @ timestamp`")
    return Task(name, marks)


def _mark(text: str) -> Mark:
    found = _MARK.fullmatch(text)
    if found is None:
        raise ValueError(text)
    at = datetime.fromisoformat(found["at"])
    return Mark(found["name"], at if at.tzinfo else at.replace(tzinfo=UTC))
