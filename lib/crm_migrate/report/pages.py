"""All pages of a run, also where the night was run by command: its notebooks then look at what the files say (F1)."""

from __future__ import annotations

from pathlib import Path

from crm_migrate.errors import NoSuchRun
from crm_migrate.report import overview, runner, saved, summary
from crm_migrate.report.views.execute import taken_back


def write(run_folder: Path) -> Path:
    """Execute the notebooks that only look, where they do not show the run's files as they are now; then all pages.

    Returns:
        The run's `index.html`.

    Raises:
        NoSuchRun: there is no such folder.
        DamagedFile: a stage's file is not what this version saves.
        NotebookFailed: a notebook could not look; its page says where and why.
    """
    if not run_folder.is_dir():
        raise NoSuchRun(f"there is no run {run_folder.name}", hint="`crm-migrate status` lists what there is.")
    runner.look(run_folder)
    index = overview.write(run_folder)
    if (run_folder / summary.MARKDOWN).is_file() and taken_back(saved.load(run_folder).stage("run")):
        summary.write(run_folder)  # which said what was verified
    return index
