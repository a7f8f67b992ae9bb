"""What all pages of a run share: their titles, the links between them, and how one is put in place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from crm_migrate.report.render import Link

TITLES: Mapping[str, str] = {
    "index": "Overview",
    "01_assess": "1 Assess",
    "02_dry_run": "2 Dry run",
    "03_execute": "3 Execute",
    "04_verify": "4 Verify",
    "dictionary": "Data dictionary",
}
NO_NETWORK = "This page loads nothing from any network."
OFFLINE = f"{NO_NETWORK} It is made from the files of this run."


def links(folder: Path, here: str) -> list[Link]:
    """The pages of a run that there are; `here` is the one that is written."""
    return [
        Link(f"{name}.html", title, here=name == here)
        for name, title in TITLES.items()
        if name in ("index", here) or (folder / f"{name}.html").is_file()
    ]


def saved_at(path: Path) -> str:
    """When a file was written; nothing where there is none."""
    if not path.is_file():
        return ""
    return f"{datetime.fromtimestamp(path.stat().st_mtime, UTC):%Y-%m-%d %H:%M} UTC"


def now() -> str:
    """The time, to the minute."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


def put(path: Path, text: str) -> Path:
    """Put a page in place as a whole: a reader sees the old one or the new one."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
    return path
