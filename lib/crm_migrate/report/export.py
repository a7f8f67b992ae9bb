"""Findings and rejects as CSV and Excel, decision and final report as PDF: a run for those who work with such files.

What is written is masked as the pages are. No text is a formula: Excel is told so, and in CSV one that a spreadsheet
would take for a formula begins with an apostrophe. Rows are streamed: memory stays flat (H2).
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby, islice
from pathlib import Path

import xlsxwriter

from crm_migrate import assess, duck, personal, simulate
from crm_migrate.duck import literal
from crm_migrate.errors import Stopped
from crm_migrate.rejects import Reject
from crm_migrate.report import frame, overview, render, saved, views

FOLDER = "export"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_MOST_ROWS = 1_048_575  # of a sheet, below its head
_MOST_LETTERS = 32_767  # of a cell
_BATCH = 10_000
_PRINTING_SECONDS = 120

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        masked: whether what tells of a person is masked.
        missing: what could not be made, and why, a sentence each.
    """

    folder: Path
    files: tuple[str, ...]
    masked: bool
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _List:
    """Rows for people: the first column tells the sheets apart, and the rows come in its order."""

    name: str
    head: Row
    rows: Callable[[], Iterator[Row]]


def write(folder: Path, rejects: Sequence[Reject] | None, *, show_personal_data: bool = False) -> Exported:
    """Write all that a run has so far into `export/` of its folder; each file replaces an older one as a whole.

    Args:
        rejects: what the night set aside, veiled already unless it may be shown; None before the night, when it is what
            the dry run predicts.

    Raises:
        DamagedFile: a file of the run is not what this version saves.
        Stopped: the browser that prints failed.
    """
    place = folder / FOLDER
    place.mkdir(exist_ok=True)
    made: list[str] = []
    for listed in _lists(folder, rejects, show_personal_data):
        for suffix, put in ((".csv", _csv), (".xlsx", _xlsx)):
            made.append(_replaced(place / f"{listed.name}{suffix}", partial(put, listed)))
    printed, missing = _printed(folder, place)
    return Exported(place, (*made, *printed), not show_personal_data, missing)


def _lists(folder: Path, rejects: Sequence[Reject] | None, show: bool) -> Iterator[_List]:
    findings = folder / assess.FINDINGS
    if findings.is_file():
        columns = ("table", "severity", "check", "key", "detail")
        yield _List("findings", columns, partial(_found, findings, columns, "detail", show))
    predicted = folder / simulate.REJECTS
    if rejects is not None:
        yield _List(
            "rejects", ("table", "step", "key", "sqlstate", "message", "at", "row"), lambda: _set_aside(rejects)
        )
    elif predicted.is_file():
        columns = ("model", "kind", "reason", "key", "late")
        yield _List("rejects", columns, partial(_found, predicted, columns, "reason", show))


def _found(file: Path, columns: Row, said: str, show: bool) -> Iterator[Row]:
    """Rows of a Parquet file in the order of their columns; `said` is the one that may quote what a person typed."""
    listed = ", ".join(f"coalesce(cast(\"{column}\" as varchar), '')" for column in columns)
    with tempfile.TemporaryDirectory() as scratch, duck.session("", scratch=Path(scratch)) as session:
        numbers = ", ".join(str(number) for number in range(1, len(columns) + 1))
        found = session.execute(f"select {listed} from read_parquet({literal(file)}) order by {numbers}")
        place = columns.index(said)
        while batch := found.fetchmany(_BATCH):
            for row in batch:
                yield row if show else (*row[:place], personal.without_addresses(row[place]), *row[place + 1 :])


def _set_aside(rejects: Sequence[Reject]) -> Iterator[Row]:
    for reject in sorted(rejects, key=lambda reject: (reject.table, reject.step, reject.key)):
        row = json.dumps(reject.row, ensure_ascii=False, default=str)
        when = reject.at.isoformat(timespec="seconds")
        yield reject.table, reject.step, reject.key, reject.sqlstate, reject.message, when, row


def _csv(listed: _List, path: Path) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:  # Excel takes it for UTF-8 by its first bytes
        writer = csv.writer(file)
        writer.writerow(listed.head)
        writer.writerows(tuple(_no_formula(cell) for cell in row) for row in listed.rows())


def _no_formula(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _xlsx(listed: _List, path: Path) -> None:
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        bold = book.add_format({"bold": True})
        written = False
        for name, rows in groupby(listed.rows(), key=lambda row: row[0]):
            for number, part in enumerate(_parts(rows), start=1):
                _sheet(book, _title(name, number), listed.head, part, bold)
                written = True
        if not written:
            _sheet(book, listed.name, listed.head, iter(()), bold)


def _parts(rows: Iterator[Row]) -> Iterator[Iterator[Row]]:
    """As many rows as a sheet holds, again and again."""
    for first in rows:
        yield chain([first], islice(rows, _MOST_ROWS - 1))


def _sheet(
    book: xlsxwriter.Workbook, title: str, head: Row, rows: Iterator[Row], bold: xlsxwriter.format.Format
) -> None:
    sheet = book.add_worksheet(title)
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(head) - 2, 22)
    sheet.set_column(len(head) - 1, len(head) - 1, 80)
    sheet.write_row(0, 0, head, bold)
    last = 0
    for last, row in enumerate(rows, start=1):
        for place, cell in enumerate(row):
            sheet.write_string(last, place, cell[:_MOST_LETTERS])
    sheet.autofilter(0, 0, last, len(head) - 1)


def _title(name: str, number: int) -> str:
    """A sheet's name: 31 letters, none of them reserved."""
    plain = "".join(letter for letter in name.removeprefix("public.") if letter not in "[]:*?/\\'") or "rows"
    return plain[:31] if number == 1 else f"{plain[:27]} {number}"


def _printed(folder: Path, place: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The decision, and the overview as the report, as PDF; and why not, where there is no browser to print them."""
    run = saved.load(folder)
    documents = {}
    if run.stage("decision"):
        with saved.reading(folder):
            documents["decision.pdf"] = render.page(
                "decision.html",
                heading="Decision",
                where=f"run {run.run_id}",
                foot=(frame.OFFLINE, f"Written {frame.now()}."),
                view=views.of("decision", run.stage("decision")),
            )
    if run.stages:
        documents["report.pdf"] = overview.write(folder).read_text(encoding="utf-8")
    browser = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        why = "neither Chromium nor Chrome is here to print it; open the page in a browser, and print it there"
        return (), tuple(f"{name} is not made: {why}" for name in documents)
    return tuple(_replaced(place / name, partial(_print, browser, text)) for name, text in documents.items()), ()


def _print(browser: str, page: str, path: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "page.html"
        source.write_text(page, encoding="utf-8")
        command = [
            *(browser, "--headless", "--disable-gpu", f"--user-data-dir={scratch}/profile", "--no-pdf-header-footer"),
            *(["--no-sandbox"] if os.geteuid() == 0 else []),  # which the browser refuses root
            *(f"--print-to-pdf={path.resolve()}", source.as_uri()),
        ]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_PRINTING_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            done = None
    if done is None or done.returncode or not path.is_file():
        raise Stopped(
            f"{Path(browser).name} could not print {path.name.lstrip('.')}",
            hint="Open the run's page in a browser, and print it there; the other files are written.",
        )


def _replaced(path: Path, make: Callable[[Path], None]) -> str:
    """Make a file under another name and put it in place; its name."""
    temporary = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        make(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path.name
