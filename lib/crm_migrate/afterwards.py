"""After the night: verify a run again, or describe what it made; both only read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from crm_migrate import basis, dictionary, history, night, postgres
from crm_migrate.dictionary import Dictionary
from crm_migrate.errors import NoSuchRun
from crm_migrate.night import Night
from crm_migrate.postgres import Connection
from crm_migrate.verify import Verification


def verify(tonight: Night) -> Verification:
    """Verify a run that was executed.

    Raises:
        NoSuchRun: it was not executed in this database, or not up to its end.
        StaleInput: the analyst's files or the options are other ones than those of the night.
    """
    with _migrated(tonight, "verify") as (connection, record):
        basis.require_inputs_of_night(tonight.folder, tonight.catalog, tonight.inputs)
        return night.verified(connection, tonight, record)


def describe(tonight: Night) -> Dictionary:
    """Say what everything in the database that a run migrated is, and keep it with the run.

    Raises:
        NoSuchRun: it was not executed in this database, or not up to its end.
    """
    with _migrated(tonight, "dictionary") as (connection, _):
        described = dictionary.read(connection, tonight.catalog)
    dictionary.save(described, tonight.folder)
    return described


@contextmanager
def _migrated(tonight: Night, purpose: str) -> Iterator[tuple[Connection, history.RunRecord]]:
    with postgres.connect(tonight.url, autocommit=True, purpose=purpose) as connection:
        postgres.require_atomic_crm(connection)
        record = history.run(connection, tonight.run_id)
        if record is None or record.stage not in ("verify", "open", "done") or record.status == "rolled_back":
            raise NoSuchRun(
                f"run {tonight.run_id} has not migrated this database", hint="There is nothing to look at yet."
            )
        yield connection, record
