"""A process of its own that migrates, or takes back, and dies at the boundary it is told; without one it counts them.

`python tests/dies.py execute|revert DATABASE [NUMBER]`, settings from the environment.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from certify import boundaries
from certify.boundaries import Boundary
from crm_migrate import workflow
from crm_migrate.settings import Settings


def called(verb: str, settings: Settings, database: str, *at: int) -> subprocess.CompletedProcess[str]:
    """Run that process; it dies at its `at`-th boundary."""
    assert settings.database_url is not None
    environment = os.environ | {
        "CRM_MIGRATE_DATABASE_URL": settings.database_url.get_secret_value(),
        "CRM_MIGRATE_WORKSPACE": str(settings.workspace),
        "CRM_MIGRATE_REPORTS": str(settings.reports),
        "CRM_MIGRATE_GRACE_SECONDS": "0",
    }
    command = [sys.executable, str(Path(__file__)), verb, database, *map(str, at)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def main() -> None:
    """Do it, or die on the way."""
    verb, database, *deadly = sys.argv[1:]
    met = 0

    def meet(_boundary: Boundary) -> None:
        nonlocal met
        met += 1
        if [str(met)] == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    boundaries.watch(meet)
    work = {"execute": workflow.execute, "revert": workflow.revert}[verb]
    work(confirm=database)
    sys.stdout.write(str(met))


if __name__ == "__main__":
    main()
