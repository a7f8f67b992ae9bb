"""A thread beside a run, with a session of its own: it tells how far the run is, and stops it before a disk is full.

What it tells lies in migration.progress, visible at once in each commit mode and from any machine, and in a text file
for Prometheus (C9, C11).
"""

from crm_migrate.watch.server import last
from crm_migrate.watch.value import Client, Disk, PhaseProgress, Progress, Server, ServerWork
from crm_migrate.watch.watcher import Watcher, watching

__all__ = [
    "Client",
    "Disk",
    "PhaseProgress",
    "Progress",
    "Server",
    "ServerWork",
    "Watcher",
    "last",
    "watching",
]
