"""A sample Atomic CRM, where the settings say: `create` makes it; same seed, same rows."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crm_migrate import embedded, postgres
from crm_migrate.demo import analyst, clearing, database, defects, rows
from crm_migrate.errors import UsageError
from crm_migrate.events import Event, Sink, silent
from crm_migrate.settings import Settings

MAX_CONTACTS = 10_000_000


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What was made.

    Attributes:
        database: its name.
        rows: by table, schema-qualified.
        planted: rows changed or added on purpose, by kind of defect; empty where no dirt was asked for.
        inputs: the folder of the sample of the analyst's files, or None where none were asked for.
        seconds: from the first connection to the last statistics.
    """

    database: str
    contacts: int
    seed: int
    dirt: float
    rows: Mapping[str, int]
    planted: Mapping[str, int]
    inputs: Path | None
    seconds: float


def create(
    settings: Settings, *, contacts: int = 1_000, seed: int = 42, dirt: float = 0.0, emit: Sink = silent
) -> DemoReport:
    """Make a demo in the database of the settings, or, where none is set, in the embedded server, started if need be.

    Which rows are dirty stands in `demo/planted.json` of the workspace, the sample of the analyst's files for the
    embedded demo in `demo/inputs`, for a database that was named in `demo/inputs_named`. Arguments and errors are those
    of `fill`.
    """
    _check(contacts, dirt)
    folder = settings.workspace / "demo"
    if settings.database_url is not None:
        url, inputs = settings.database_url.get_secret_value(), folder / "inputs_named"
    else:
        server = embedded.start(settings.workspace)
        prepare(server)
        url, inputs = server.url(), folder / "inputs"
    return fill(url, contacts=contacts, seed=seed, dirt=dirt, planted=folder / "planted.json", inputs=inputs, emit=emit)


def inputs_of(settings: Settings) -> Path | None:
    """The folder of the analyst's files: the one that is set, else the sample of the embedded demo.

    The sample is taken only where the settings name no database and the embedded one is a demo still: nobody's own data
    meets files that were made up for other rows.

    Raises:
        ServerUnreachable: there is such a sample, and the embedded server does not answer.
    """
    sample = settings.workspace / "demo" / "inputs"
    if settings.inputs is not None or settings.database_url is not None or not sample.is_dir():
        return settings.inputs
    with postgres.connect(embedded.start(settings.workspace).url(), purpose="inputs") as connection:
        return sample if database.is_marked(connection) else None


def prepare(server: embedded.Server) -> None:
    """Make the roles of Supabase and an empty database on the embedded server; an earlier demo goes, migrated or not.

    Raises:
        Refused: the database holds something that no demo made, or a migration of it is running.
    """
    with postgres.connect(server.admin_url(), purpose="demo") as admin:
        database.make_roles(admin)
    database.recreate(server)


def fill(
    url: str,
    *,
    contacts: int = 1_000,
    seed: int = 42,
    dirt: float = 0.0,
    planted: Path | None = None,
    inputs: Path | None = None,
    emit: Sink = silent,
) -> DemoReport:
    """Fill a database with a sample Atomic CRM, its schema and its rows; an earlier demo in it goes.

    The same arguments give the same rows, on PostgreSQL 15 and later. Interrupted, it leaves a database that is marked
    as a demo, and begins anew when called again.

    Args:
        url: of a database that this role owns; no superuser is needed.
        contacts: 1 to 10,000,000; about 4.2 rows in all for each.
        dirt: share of rows, 0 to 1, that get a defect; at least one of each kind above 0.
        planted: file that tells which rows those are: `{kind: {"table": …, "keys": […]}}`.
        inputs: folder that gets a sample of the analyst's files for these rows; what stands in it goes.

    Raises:
        UsageError: an argument is out of its range.
        ServerUnreachable: no session could be had.
        Refused: the database holds somebody's tables, belongs to somebody else, or is being migrated.
    """
    _check(contacts, dirt)
    started = time.monotonic()
    with postgres.connect(url, purpose="demo") as connection, postgres.migration_lock(connection):
        if database.require_ours(connection):
            clearing.empty(connection)
        if inputs is not None:
            shutil.rmtree(inputs, ignore_errors=True)  # those of the earlier demo know other rows
        roles = database.ensure_roles(connection, emit=emit)
        database.mark(connection, f"{contacts} contacts, seed {seed}, dirt {dirt}")
        database.lay_tables(connection, roles=roles)
        connection.commit()

        volumes = rows.volumes(contacts)
        rows.fill(connection, volumes, seed=seed, emit=emit)
        chosen = defects.choose(volumes, share=dirt)
        defects.plant(connection, chosen, emit=emit)
        connection.commit()

        emit(Event("step", "demo", "keys, functions, views, policies", seconds=time.monotonic() - started))
        database.lay_keys(connection, roles=roles)
        rows.advance_sequences(connection, volumes)
        defects.hold_back_sequences(connection, chosen)
        connection.commit()
        rows.analyze(connection, volumes)
        if inputs is not None:
            analyst.write(connection, inputs, seed=seed)
        connection.commit()
        name = connection.info.dbname
    if planted is not None:
        defects.write(planted, chosen)
    counts = {table: count + defects.added(chosen, table) for table, count in volumes.items()}
    report = DemoReport(
        database=name,
        contacts=contacts,
        seed=seed,
        dirt=dirt,
        rows=counts,
        planted={defect.kind: len(defect.keys) for defect in chosen},
        inputs=inputs,
        seconds=time.monotonic() - started,
    )
    total = sum(report.rows.values())
    emit(Event("stage", "demo", f"{total:,} rows in database {name}", rows_done=total, seconds=report.seconds))
    return report


def _check(contacts: int, dirt: float) -> None:
    if not 1 <= contacts <= MAX_CONTACTS:
        raise UsageError(f"{contacts:,} contacts cannot be made", hint=f"Ask for 1 to {MAX_CONTACTS:,} contacts.")
    if not 0 <= dirt <= 1:
        raise UsageError(f"dirt {dirt} is no share", hint="Dirt is a share of all rows, 0 to 1; 0.05 is one in twenty.")
