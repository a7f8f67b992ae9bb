"""How far a run is at one moment, as a value: kept as JSON in migration.progress; holds no text of any query."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PhaseProgress:
    """A phase: pending, running, completed, or reverted.

    Attributes:
        done: how many of its steps are.
    """

    phase: str
    status: str
    done: int
    steps: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Client:
    """What the runner's process takes on its machine.

    Attributes:
        cpu_percent: since the look before; 100 is one core.
        read_bytes, written_bytes: to disks since the watch began; None where the system does not tell.
    """

    cpu_percent: float
    memory_bytes: int
    read_bytes: int | None
    written_bytes: int | None


@dataclass(frozen=True, slots=True)
class ServerWork:
    """Something long that the server is at: an index, a COPY, an ANALYZE.

    Attributes:
        phase: in the server's words; empty for a COPY.
        done, total: blocks, or bytes for a COPY; total is 0 where the server does not know it.
    """

    what: str
    relation: str
    phase: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Server:
    """What PostgreSQL tells of itself.

    Attributes:
        wal_bytes: write-ahead log since the watch began; None where this role may not ask.
        locks_waited_for: by any session of this database.
        blocked_by: backends that the runner waits for.
        active_queries: of other sessions in this database, the runner's own among them.
    """

    wal_bytes: int | None
    locks_waited_for: int
    blocked_by: tuple[int, ...]
    active_queries: int
    window_closed: bool
    work: tuple[ServerWork, ...]


@dataclass(frozen=True, slots=True)
class Disk:
    """What is left of a disk."""

    what: str
    folder: str
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        stage: close, snapshot, backup, phases, verify, open, or revert.
        phase, step: the ones at hand; empty outside the phases.
        rows_done, rows_total: source rows of the step at hand, or of the table or file where a stage has such.
        rate: rows a second.
        eta_seconds: for the step at hand, at its rate.
        run_eta_seconds: to the end of the last phase, by the dry run's estimate and the pace so far; None where nobody
            estimated. Verification comes on top.
        retries: of this call of the command.
        server: None while the watcher's own session is lost.
    """

    stage: str
    phase: str
    step: str
    rows_done: int | None
    rows_total: int | None
    rate: float | None
    eta_seconds: float | None
    run_eta_seconds: float | None
    phases: tuple[PhaseProgress, ...]
    rejects: int
    retries: int
    client: Client
    server: Server | None
    disks: tuple[Disk, ...]
