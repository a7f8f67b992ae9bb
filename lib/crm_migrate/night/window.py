"""The window as a night closes it: for its run, with what the settings say of readers, and until when (C8)."""

from __future__ import annotations

from contextlib import suppress

from psycopg.pq import TransactionStatus

from crm_migrate import forecast, maintenance, simulate
from crm_migrate.errors import UsageError
from crm_migrate.events import Event, Sink
from crm_migrate.night.value import Night
from crm_migrate.postgres import Connection


def close(connection: Connection, night: Night) -> None:
    """Close the window for this run, or add to what is closed already."""
    maintenance.close(
        connection,
        grace_seconds=night.settings.grace_seconds,
        emit=night.emit,
        run_id=night.run_id,
        readers=night.settings.window == "read-only",
    )


def estimate(night: Night) -> dict[str, float]:
    """Seconds by phase, as the dry run estimated them; nothing where nobody did."""
    with suppress(UsageError, OSError):  # the decided simulation is gone, or damaged
        return dict(simulate.load(night.folder).estimate.phases)
    return {}


def announcing(connection: Connection, night: Night) -> Sink:
    """A sink that tells the application until when it is read-only, by the estimate, again with every phase.

    Says no time where nobody has estimated the run. Verification is not in the estimate: past it, the status line says
    that it takes longer.
    """
    phases = estimate(night)

    def announce(event: Event, /) -> None:
        usable = not connection.closed and connection.info.transaction_status != TransactionStatus.INERROR
        if phases and usable and event.kind in ("stage", "phase") and event.message != "completed":
            ahead = list(phases)[list(phases).index(event.name) :] if event.name in phases else list(phases)
            if event.name not in ("verify", "open", "revert"):
                seconds = forecast.WINDOW * sum(phases[name] for name in ahead)
                maintenance.announce(connection, seconds=seconds)

    return announce
