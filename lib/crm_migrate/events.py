"""What work says while it goes on: one `Event` type, and sinks that are plain functions (design, idea 6)."""

from __future__ import annotations

import json
import logging
import logging.handlers
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Literal, Protocol

import structlog

Kind = Literal["stage", "phase", "step", "progress", "reject", "retry", "note", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        kind: what sort of thing; a sink may choose by it.
        name: the stage, phase or step it is about.
        message: a sentence for a person; holds no personal data and no secret.
        rows_done, rows_total: source rows so far and in all, where the work has rows.
        seconds: duration so far of what `name` names.
        rejected: source rows that were set aside so far, of a load.
        hint: what to do about an error.
        sqlstate: of the server's error behind it.
        at: when it happened, by the clock of the client.
    """

    kind: Kind
    name: str
    message: str
    rows_done: int | None = None
    rows_total: int | None = None
    seconds: float | None = None
    rejected: int | None = None
    hint: str | None = None
    sqlstate: str | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def rate(self) -> float | None:
        """Source rows a second so far, or None where that cannot be said."""
        if not self.rows_done or not self.seconds:
            return None
        return self.rows_done / self.seconds

    @property
    def eta_seconds(self) -> float | None:
        """Seconds left at the rate so far, or None where that cannot be said."""
        if self.rate is None or self.rows_total is None or self.rows_done is None:
            return None
        return max(0.0, (self.rows_total - self.rows_done) / self.rate)

    def as_dict(self) -> dict[str, object]:
        """The event as JSON-ready values, None left out."""
        known = {name: value for name, value in asdict(self).items() if value is not None}
        return known | {"at": self.at.isoformat(timespec="milliseconds")}


class Sink(Protocol):
    """Whatever takes events: a terminal, a notebook, a file."""

    def __call__(self, event: Event, /) -> None:
        """Take one event; must not raise for a full pipe or a gone reader's sake."""


def silent(event: Event, /) -> None:
    """The sink that drops everything."""


def tee(*sinks: Sink) -> Sink:
    """One sink that gives each event to all of `sinks`, in order."""

    def give(event: Event, /) -> None:
        for sink in sinks:
            sink(event)

    return give


def jsonl_sink(path: Path) -> Sink:
    """A sink that appends each event to `path` as one JSON line, and flushes it.

    A disk that is full, or a folder that is gone, stops nothing: the database and the log have the same.
    """
    broken_off = False

    def append(event: Event, /) -> None:
        nonlocal broken_off
        line = json.dumps(event.as_dict(), ensure_ascii=False) + "\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(f"\n{line}" if broken_off else line)
            broken_off = False
        except OSError:
            broken_off = True

    return append


_LEVELS: dict[Kind, Callable[..., object]] = {
    "error": structlog.stdlib.BoundLogger.error,
    "warning": structlog.stdlib.BoundLogger.warning,
    "retry": structlog.stdlib.BoundLogger.warning,
    "reject": structlog.stdlib.BoundLogger.warning,
}


class _LogFile(logging.handlers.RotatingFileHandler):
    """A log that cannot be written holds up nothing: it is said once, and the work goes on without it."""

    said = False

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's own name
        """Say it the first time, in place of a traceback each time."""
        if not self.said:
            self.said = True
            error = sys.exc_info()[1]
            why = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
            sys.stderr.write(f"the log {self.baseFilename} cannot be written ({why}); the work goes on without it\n")


def log_sink(path: Path) -> Sink:
    """A sink that writes `path` (C11: `logs/migration.log`), structured, rotating at 10 MB, five old files kept.

    Errors are of level error, with a hint; what is tried again or set aside is a warning.
    """
    logger = logging.getLogger(f"crm_migrate.{path.resolve()}")
    if not logger.handlers:
        handler = _LogFile(path, maxBytes=10_000_000, backupCount=5, encoding="utf-8", delay=True)
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    log = structlog.wrap_logger(
        logger,
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.KeyValueRenderer(
                key_order=["at", "level", "kind", "name", "event"], drop_missing=True
            ),
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    )

    def write(event: Event, /) -> None:
        facts = event.as_dict()
        say: Callable[..., object] = _LEVELS.get(event.kind, structlog.stdlib.BoundLogger.info)
        rate = f"{event.rate:,.0f} rows/s" if event.rate is not None else None
        eta = f"{event.eta_seconds:.0f} s" if event.eta_seconds is not None else None
        extra = {name: value for name, value in (("rate", rate), ("eta", eta)) if value is not None}
        say(log, facts.pop("message"), **facts, **extra)

    return write
