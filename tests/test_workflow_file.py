"""The workflow for GitHub Actions says only what the command line knows, and publishes nothing that is not masked."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import typer.main
import yaml

from crm_migrate.cli import app
from crm_migrate.report import summary
from crm_migrate.report.runner import default_notebooks
from crm_migrate.settings import Settings

FILE = Path(__file__).parents[1] / ".github" / "workflows" / "rehearse.yml"


def job() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["jobs"]["rehearse"]
    return found


def test_its_commands_options_and_parameters_exist() -> None:
    commands = [
        shlex.split(step["run"])[1:] for step in job()["steps"] if "crm-migrate" in step.get("run", "").split("\n")[0]
    ]
    assert [words[0] for words in commands] == ["run"]
    known = typer.main.get_command(app)
    for name, *words in commands:
        options = {option for parameter in known.commands[name].params for option in parameter.opts}  # type: ignore[attr-defined]
        assert {word for word in words if word.startswith("-")} <= options
    assert '"rehearse"' in repr(commands).replace("'", '"')
    assert "rehearse = " in (default_notebooks() / "02_dry_run.ipynb").read_text(encoding="utf-8")


def test_its_secrets_are_what_the_settings_and_libpq_read() -> None:
    names = set(job()["env"])
    assert "PGPASSWORD" in names
    ours = {name.removeprefix("CRM_MIGRATE_").lower() for name in names if name.startswith("CRM_MIGRATE_")}
    assert ours == {"database_url"} <= set(Settings.model_fields)


def test_it_publishes_pages_summary_and_checks_and_no_rows() -> None:
    (upload,) = (step for step in job()["steps"] if "upload-artifact" in step.get("uses", ""))
    assert upload["with"]["path"].split() == [
        "reports/**/*.html",
        f"reports/**/{summary.MARKDOWN}",
        f"reports/**/{summary.JUNIT}",
    ]
