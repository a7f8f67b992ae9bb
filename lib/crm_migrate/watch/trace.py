"""What a run took, second by second, as lines of JSON in the run's folder: what its pages draw later (C11)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from crm_migrate.watch.value import Progress

FILE = "resources.jsonl"


def append(folder: Path, progress: Progress) -> None:
    """Append one look to the run's `resources.jsonl`; what is not known is null. About 200 bytes."""
    server = progress.server
    line = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "stage": progress.stage,
        "step": progress.step,
        "cpu_percent": progress.client.cpu_percent,
        "memory_bytes": progress.client.memory_bytes,
        "written_bytes": progress.client.written_bytes,
        "wal_bytes": None if server is None else server.wal_bytes,
        "free_bytes": min((disk.free_bytes for disk in progress.disks), default=None),
    }
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, separators=(",", ":")) + "\n")
