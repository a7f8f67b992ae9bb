"""What has to hold before a database is changed: it is the one that was meant, and no other run began on it (C1)."""

from __future__ import annotations

from crm_migrate import history, postgres
from crm_migrate.errors import Refused
from crm_migrate.postgres import Connection


def require_database(connection: Connection, confirm: str | None) -> None:
    """Compare the name typed back with the database's own (C1).

    Raises:
        Refused: it is another one, or none was given.
    """
    name = connection.info.dbname
    if confirm != name:
        given = "no name was given" if not confirm else f"{confirm!r} was given"
        raise Refused(
            f"confirmation missing: this would change database {name!r}, but {given}",
            hint=f"If {name!r} is the one to be changed, repeat the command with `--confirm {name}`.",
        )


def require_no_runner(connection: Connection, what: str) -> None:
    """Check that nobody migrates this database at the moment; what is read meanwhile would be half migrated.

    Args:
        what: what is to be read, as the subject of a sentence.

    Raises:
        Refused: somebody does; says who.
    """
    holder = postgres.lock_holder(connection)
    if holder is not None:
        raise Refused(f"{what} would be half migrated: {holder} is at work", hint="Wait until it has ended.")


def require_no_other(connection: Connection, run_id: str) -> None:
    """Check that no other run has changed this database, or begun to.

    Raises:
        Refused: one has; says which, and what to do with it.
    """
    for other in history.runs(connection):
        changed = other.stage in ("phases", "verify", "open", "done")
        if other.run_id != run_id and changed and other.status != "rolled_back":
            status = "stopped" if other.status == "running" else other.status  # whoever asks this holds the lock
            what = "has migrated this database" if other.status == "completed" else f"is midway ({status})"
            raise Refused(
                f"run {other.run_id} {what}",
                hint=f"Go on with it, or take it back: `crm-migrate rollback --run {other.run_id}`.",
            )
