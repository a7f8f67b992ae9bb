"""The figures of a run for Prometheus, as a text file for node_exporter's textfile collector (C11)."""

from __future__ import annotations

import time
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from crm_migrate.watch.value import Progress

_PREFIX = "crm_migrate"
GAUGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "running": ("1 while a runner is at work, 0 once it has ended or stopped", ()),
    "heartbeat_timestamp_seconds": ("when the runner last wrote this file", ()),
    "stage": ("1 for the stage at hand", ("stage",)),
    "phase_done_ratio": ("share of a phase's steps that are done", ("phase",)),
    "rows_done": ("source rows of the step at hand that went through", ("phase", "step")),
    "rows_total": ("source rows of the step at hand", ("phase", "step")),
    "rows_per_second": ("rate of the step at hand", ("phase", "step")),
    "step_eta_seconds": ("time left for the step at hand", ("phase", "step")),
    "eta_seconds": ("time left to the end of the last phase", ()),
    "rejects": ("rows that were set aside", ()),
    "retries": ("tries again after lock time-outs, deadlocks and serialisation failures", ()),
    "cpu_ratio": ("processor time of the runner, 1 is one core", ()),
    "memory_bytes": ("resident memory of the runner", ()),
    "read_bytes": ("read from disks by the runner", ()),
    "written_bytes": ("written to disks by the runner", ()),
    "disk_free_bytes": ("free on a disk that the run writes to", ("place",)),
    "wal_bytes": ("write-ahead log of the server since the call began", ()),
    "locks_waited_for": ("locks that sessions of the database wait for", ()),
    "active_queries": ("active sessions of the database", ()),
    "window_closed": ("1 while users cannot write", ()),
}


def write(file: Path, progress: Progress, *, running: bool) -> None:
    """Write the file, atomically; what is not known is left out."""
    registry = CollectorRegistry()
    made = {
        name: Gauge(f"{_PREFIX}_{name}", said, labels, registry=registry) for name, (said, labels) in GAUGES.items()
    }

    def put(name: str, value: float | None, *labels: str) -> None:
        if value is None:
            registry.unregister(made[name])
        else:
            (made[name].labels(*labels) if labels else made[name]).set(value)

    step, server = (progress.phase, progress.step), progress.server
    put("running", running)
    put("heartbeat_timestamp_seconds", time.time())
    put("stage", 1, progress.stage)
    for phase in progress.phases:
        put("phase_done_ratio", phase.done / phase.steps, phase.phase)
    put("rows_done", progress.rows_done, *step)
    put("rows_total", progress.rows_total, *step)
    put("rows_per_second", progress.rate, *step)
    put("step_eta_seconds", progress.eta_seconds, *step)
    put("eta_seconds", progress.run_eta_seconds)
    put("rejects", progress.rejects)
    put("retries", progress.retries)
    put("cpu_ratio", progress.client.cpu_percent / 100)
    put("memory_bytes", progress.client.memory_bytes)
    put("read_bytes", progress.client.read_bytes)
    put("written_bytes", progress.client.written_bytes)
    for disk in progress.disks:
        put("disk_free_bytes", disk.free_bytes, disk.what)
    put("wal_bytes", None if server is None else server.wal_bytes)
    put("locks_waited_for", None if server is None else server.locks_waited_for)
    put("active_queries", None if server is None else server.active_queries)
    put("window_closed", None if server is None else server.window_closed)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_to_textfile(str(file), registry)
