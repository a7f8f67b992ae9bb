"""A run as files for spreadsheets and on paper: complete, masked, and nothing in them is a formula."""

from __future__ import annotations

import csv
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import polars as pl
import pypdf
import pytest

import saved_run
from conftest import Database
from crm_migrate import workflow
from crm_migrate.rejects import Reject
from crm_migrate.report import export
from crm_migrate.settings import Settings

FORMULA = "=HYPERLINK('http://evil.example')"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A saved run whose findings try to be formulas, and quote an address."""
    folder = saved_run.write(tmp_path / "20261122T160000Z")
    rows = [
        ("contacts.bad_email", "warning", "public.contacts", "7", "mail to ann.lee@example.com fails"),
        ("deals.unknown_stage", "blocker", "public.deals", "3", FORMULA),
        ("deals.unknown_stage", "blocker", "public.deals", "4", "-1 day\x07"),
    ]
    names = ("check", "severity", "table", "key", "detail")
    pl.DataFrame(rows, schema=names, orient="row").write_parquet(folder / "findings.parquet")
    return folder


def sheets(path: Path) -> dict[str, list[tuple[object, ...]]]:
    book = openpyxl.load_workbook(path)
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)
    assert all(sheet.auto_filter.ref and sheet.freeze_panes == "A2" for sheet in book)
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


def test_findings_have_a_sheet_a_table_with_filters_and_no_formula(run: Path) -> None:
    export.write(run, None)
    found = sheets(run / "export" / "findings.xlsx")
    assert list(found) == ["contacts", "deals"]
    assert found["contacts"][0] == ("table", "severity", "check", "key", "detail")
    assert found["deals"][1] == ("public.deals", "blocker", "deals.unknown_stage", "3", FORMULA)
    with (run / "export" / "findings.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 4
    assert rows[2][4] == f"'{FORMULA}"
    assert rows[3][4] == "'-1 day\x07"


@pytest.mark.parametrize("shown", [False, True])
def test_addresses_are_masked_unless_it_is_asked_for(run: Path, shown: bool) -> None:
    made = export.write(run, None, show_personal_data=shown)
    assert made.masked is not shown
    for name in ("findings.csv", "findings.xlsx"):
        text = str(sheets(run / "export" / name)) if name.endswith("x") else (run / "export" / name).read_text("utf-8")
        assert ("ann.lee@example.com" in text) is shown
        assert ("a…@…" in text) is not shown


def test_a_table_with_more_rows_than_a_sheet_holds_goes_on_in_the_next(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_MOST_ROWS", 1)
    export.write(run, None)
    found = sheets(run / "export" / "findings.xlsx")
    assert {name: len(rows) for name, rows in found.items()} == {"contacts": 2, "deals": 2, "deals 2": 2}


def test_what_the_night_set_aside_takes_the_place_of_what_was_predicted(run: Path) -> None:
    at = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)
    rejects = [Reject("load:tasks", "activities", "42", "23514", "violates a rule", at, {"subject": "c…"})]
    export.write(run, rejects)
    found = sheets(run / "export" / "rejects.xlsx")["activities"]
    assert found[1][:5] == ("activities", "load:tasks", "42", "23514", "violates a rule")
    export.write(run, [])
    assert sheets(run / "export" / "rejects.xlsx")["rejects"][1:] == []


def test_decision_and_report_are_printed_and_an_older_file_is_replaced_as_a_whole(run: Path) -> None:
    if not any(shutil.which(name) for name in export._BROWSERS):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("there is no Chromium to print with")
    (run / "export").mkdir()
    (run / "export" / "decision.pdf").write_text("of yesterday")
    made = export.write(run, None)
    assert {"decision.pdf", "report.pdf"} <= set(made.files)
    assert not made.missing
    texts = {
        name: "".join(page.extract_text() for page in pypdf.PdfReader(run / "export" / name).pages)
        for name in ("decision.pdf", "report.pdf")
    }
    assert "Decision" in texts["decision.pdf"]
    assert "What happened" in texts["report.pdf"]
    assert sorted(path.name for path in (run / "export").iterdir()) == sorted(made.files)


def test_without_a_browser_it_is_said_what_is_not_made(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_BROWSERS", ())
    made = export.write(run, None)
    assert {"findings.csv", "findings.xlsx"} <= set(made.files)
    assert [sentence.split(" is not made")[0] for sentence in made.missing] == ["decision.pdf", "report.pdf"]


def test_of_an_executed_run_the_database_says_what_was_set_aside(
    migrated: tuple[Settings, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_BROWSERS", ())
    settings, _database = migrated
    made = workflow.export(settings=settings)
    assert sheets(made.folder / "rejects.xlsx") == {
        "rejects": [("table", "step", "key", "sqlstate", "message", "at", "row")]
    }
