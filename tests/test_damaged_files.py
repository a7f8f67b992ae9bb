"""A run's file that is cut short, changed or of another version: one paragraph that names it, and what to do."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict
from typer.testing import CliRunner

from conftest import Server, scratch_database
from crm_migrate import cli, postgres, workflow
from crm_migrate.report import overview
from crm_migrate.settings import Settings
from nights import approved, settings_for

_RUN = {
    "run_id": "r", "database": "d", "status": "completed", "stage": "done", "started_at": "2026-11-22T01:00:00+00:00",
    "finished_at": None, "host": "h", "pid": 1, "phases": [], "steps": [],
}  # fmt: skip
_REHEARSAL = {
    "snapshot_id": "s", "sql": "", "inputs": "", "unit_seconds": 1.0, "seconds": 1.0, "revert_seconds": 1.0,
    "verified": True, "failed": None, "differing": 0, "differing_back": 0, "left_over": [], "not_copied": [],
    "steps": [],
}  # fmt: skip
_OTHERS = {
    "run.json": _RUN,
    "rehearsal.json": _REHEARSAL,
    "verification.json": {"ok": True, "checks": [], "compared": {}},
}


@pytest.fixture(scope="module")
def whole(server: Server, sample_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A run up to its approved decision."""
    folder = tmp_path_factory.mktemp("whole")
    with scratch_database(server, template=sample_template) as made:
        with postgres.connect(made.url) as owner:
            owner.execute("update public.deals set name = name || ' ' where id = 42")  # something to mend
        settings = settings_for(made, folder)
        approved(settings)
        yield settings


@pytest.fixture
def run(whole: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of its folder that may be damaged, with files of the later stages in it."""
    shutil.copytree(whole.reports, tmp_path / "reports")
    shutil.copytree(whole.workspace / "snapshots", tmp_path / "work" / "snapshots")
    [folder] = (tmp_path / "reports").iterdir()
    of_snapshot = json.loads((folder / "snapshot.json").read_text())
    place = tmp_path / "work" / "snapshots" / folder.name
    (folder / "snapshot.json").write_text(json.dumps(of_snapshot | {"folder": str(place)}))
    for name, document in _OTHERS.items():
        (folder / name).write_text(json.dumps(document))
    assert whole.database_url is not None
    monkeypatch.setenv("CRM_MIGRATE_DATABASE_URL", whole.database_url.get_secret_value())
    monkeypatch.setenv("CRM_MIGRATE_REPORTS", str(tmp_path / "reports"))
    monkeypatch.setenv("CRM_MIGRATE_WORKSPACE", str(tmp_path / "work"))
    return folder


def said(*command: str) -> str:
    """What a command says when it ends with 2: a paragraph, on standard error."""
    result = CliRunner().invoke(cli.app, list(command))
    assert result.exit_code == 2, result.stderr
    [*_progress, paragraph] = result.stderr.strip().splitlines()
    return paragraph


_WRONG_SHAPES: tuple[Any, ...] = ([], "text", None, 5, {}, {"checks": 5, "models": [5], "tables": {"deals": []}})
_READERS = {
    "snapshot.json": ("assess", "fixes", "dry-run", "decide", "status", "diff"),
    "assessment.json": ("decide", "status", "fixes", "report"),
    "simulation.json": ("decide", "status", "report"),
    "rehearsal.json": ("decide", "dry-run", "report"),
    "profile.json": ("report",),
    "run.json": ("status", "monitor", "report"),
    "verification.json": ("status", "report"),
    "decision.json": ("execute", "status", "report"),
}


@pytest.mark.parametrize("file", _READERS)
def test_a_file_that_is_cut_short_is_named_with_what_to_do(run: Path, file: str) -> None:
    text = (run / file).read_text()
    (run / file).write_text(text[: len(text) // 2])
    for command in _READERS[file]:
        paragraph = said(*asked(command, run))
        assert str(run / file) in paragraph, command
        assert "it is not JSON" in paragraph
        assert "`crm-migrate " in paragraph, command


@pytest.mark.parametrize("file", sorted(_READERS.keys() - {"decision.json", "profile.json"}))
@pytest.mark.parametrize("shape", _WRONG_SHAPES, ids=str)
def test_a_file_of_another_shape_is_named_with_what_to_do(run: Path, file: str, shape: Any) -> None:
    (run / file).write_text(json.dumps(shape))
    for command in _READERS[file]:
        if command == "report":
            continue  # a page shows what it can, and blames a file only where it cannot
        paragraph = said(*asked(command, run))
        assert str(run / file) in paragraph, command
        assert "not as this version saves it" in paragraph


@pytest.mark.parametrize(("file", "key"), [("assessment.json", "tables"), ("simulation.json", "refusals")])
def test_a_run_of_another_version_says_so(run: Path, file: str, key: str) -> None:
    document = json.loads((run / file).read_text())
    del document[key]
    (run / file).write_text(json.dumps(document))
    if file == "simulation.json":  # what came later has a default
        assert CliRunner().invoke(cli.app, ["status"]).exit_code == 0
        return
    assert "tables: field required. It was cut short, changed by hand, or made by another version" in said("status")


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("findings.parquet", ("fixes",)),
        ("findings.parquet", ("explain-record", "deals", "42")),
        ("findings.parquet", ("decide",)),
        ("rejects.parquet", ("explain-record", "deals", "42")),
        ("rejects.parquet", ("decide",)),
        ("prediction/contact_organizations.parquet", ("explain-record", "contacts", "42")),
        ("prediction/contact_organizations.parquet", ("decide",)),
    ],
)
@pytest.mark.parametrize("damage", ["cut", "garbage", "flipped"])
def test_a_damaged_parquet_file_is_named_not_the_query_that_met_it(
    run: Path, file: str, command: tuple[str, ...], damage: str
) -> None:
    spoil(run / file, damage)
    assert f"{run / file} is not as this version saves it" in said(*command)


@pytest.mark.parametrize("damage", ["cut", "garbage", "flipped"])
@pytest.mark.parametrize("command", ["assess", "dry-run"])
def test_a_damaged_table_of_the_snapshot_is_named(run: Path, damage: str, command: str) -> None:
    file = Path(json.loads((run / "snapshot.json").read_text())["folder"]) / "contacts.parquet"
    spoil(file, damage)
    paragraph = said(command)
    assert f"{file} is not as this version saves it: it is not Parquet" in paragraph
    assert paragraph.endswith("Begin anew with `crm-migrate snapshot`.")


@pytest.mark.parametrize(
    ("command", "place"),
    [("assess", "findings.parquet"), ("dry-run", "rejects.parquet"), ("dry-run", "prediction/companies.parquet")],
)
def test_a_place_that_cannot_be_written_to_is_named(run: Path, command: str, place: str) -> None:
    (run / place).unlink()
    (run / place).mkdir()
    paragraph = said(command)
    assert place in paragraph
    assert "unexpected" not in paragraph


def test_a_damaged_run_is_listed_as_one_and_does_not_keep_others_from_their_pages(run: Path) -> None:
    overview.write(run)
    other = run.with_name("20260101T000000Z")
    other.mkdir()
    (other / "index.html").write_text("an earlier page")
    (other / "run.json").write_text('{"cut')
    workflow.report(run.name)
    assert "damaged" in (run.parent / "index.html").read_text()


def asked(command: str, run: Path) -> list[str]:
    database = str(conninfo_to_dict(os.environ["CRM_MIGRATE_DATABASE_URL"])["dbname"])
    return [command, *{"diff": [run.name, run.name], "execute": ["--confirm", database]}.get(command, [])]


def spoil(path: Path, damage: str) -> None:
    whole = path.read_bytes()
    middle = len(whole) // 2
    match damage:
        case "cut":
            path.write_bytes(whole[:middle])
        case "garbage":
            path.write_bytes(b"no Parquet at all")
        case "flipped":
            path.write_bytes(whole[:4] + bytes(byte ^ 0xFF for byte in whole[4:middle]) + whole[middle:])
