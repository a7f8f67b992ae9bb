"""nbval executes the notebooks as they are, headlessly: here they get a sample CRM of their own to look at."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from crm_migrate import demo, embedded, settings

_PREFIX = "crm-notebooks-"


def pytest_sessionstart(session: pytest.Session) -> None:
    """Make the sample, and let the kernels find it whatever folder they start in."""
    place = Path(tempfile.mkdtemp(prefix=_PREFIX))
    os.environ.pop("CRM_MIGRATE_DATABASE_URL", None)
    os.environ["CRM_MIGRATE_WORKSPACE"] = str(place / "workbench")
    os.environ["CRM_MIGRATE_REPORTS"] = str(place / "reports")
    demo.create(settings.load(), contacts=200)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the server and leave nothing behind."""
    workspace = Path(os.environ["CRM_MIGRATE_WORKSPACE"])
    embedded.stop(workspace)
    shutil.rmtree(workspace.parent, ignore_errors=True)
