"""The completion checklist is read strictly, and says what is missing (B6)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from crm_migrate import checklist
from crm_migrate.errors import BadInputs

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WHOLE = """
[[task]]
name = "views"
implemented = "Ada Builder @ 2026-11-20 18:00"
tested = "Ada Builder @ 2026-11-20T18:30:00+01:00"
reviewed = "Ben Reader @ 2026-11-21 09:15"
signed = "Cy Owner @ 2026-11-21 10:00"
"""


def missing(folder: Path, text: str) -> tuple[str, ...]:
    (folder / checklist.FILE).write_text(text, encoding="utf-8")
    found = checklist.load(folder)
    assert found is not None
    return found.open(NOW)


def test_a_folder_without_one_has_none(tmp_path: Path) -> None:
    assert checklist.load(tmp_path) is None
    assert checklist.load(None) is None


def test_a_complete_list_has_nothing_open(tmp_path: Path) -> None:
    assert missing(tmp_path, WHOLE) == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('signed = "Cy Owner @ 2026-11-21 10:00"', "", "'views' is not signed"),
        ('tested = "Ada Builder @ 2026-11-20T18:30:00+01:00"', 'tested = ""', "'views' is not tested"),
        ("Ben Reader", "ADA builder", "'views' is reviewed by ADA builder, who implemented it"),
        ("Ben Reader", "Ada  Builder", "'views' is reviewed by Ada  Builder, who implemented it"),
        ("2026-11-21 10:00", "2026-11-23 10:00", "'views' is signed at a time to come"),
        (WHOLE, "", "checklist.toml lists no task"),
    ],
)
def test_what_is_missing_is_said(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert missing(tmp_path, WHOLE.replace(old, new)) == (said,)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Cy Owner @ 2026-11-21 10:00", "Cy Owner", "task 1, signed: not `Name @ timestamp`"),
        ("Cy Owner @ 2026-11-21 10:00", "@ 2026-11-21 10:00", "task 1, signed: not `Name @ timestamp`"),
        ("Cy Owner @ 2026-11-21 10:00", "Cy @ yesterday", "task 1, signed: not `Name @ timestamp`"),
        ('name = "views"', "", "task 1: it has no name"),
        ("signed =", "sealed =", "there is no 'sealed'"),
        (WHOLE, "task = [1, 2]", "checklist.toml: tasks are [[task]]"),
        ("[[task]]", "[[tasks]]", "there is no 'tasks'"),
        ("[[task]]", "[task", "checklist.toml:"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(BadInputs, match=said.replace("[", r"\[")):
        missing(tmp_path, WHOLE.replace(old, new))
