"""The rehearsal: the real phases on a throw-away PostgreSQL that is loaded from the snapshot, then taken back (B3).

The throw-away database lies on the embedded server. It gets the schema of the source as pg_dump reads it, the rows of
the snapshot, the plan forwards, the full verification, the plan backwards; then it is dropped.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from psycopg import sql

from crm_migrate import (
    duck,
    embedded,
    execute,
    files,
    history,
    inputs,
    postgres,
    revert,
    schema,
    simulate,
    tools,
    verify,
)
from crm_migrate.duck import literal, quoted
from crm_migrate.errors import MigrationError
from crm_migrate.events import Event
from crm_migrate.execute import PhaseState
from crm_migrate.night import Night
from crm_migrate.postgres import Connection
from crm_migrate.simulate import Simulation
from crm_migrate.snapshot import TableSnapshot
from crm_migrate.steps import Context

_WINDOW_BUFFER = 1.5  # half as much again for the maintenance window
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What the phases took and whether they hold.

    Attributes:
        seconds: the phases forwards, as measured on this machine.
        revert_seconds: the phases backwards.
        differing: rows that differ from the prediction or from what was there before.
        left_over: objects that are not as before after the way back.
    """

    seconds: float
    revert_seconds: float
    verified: bool
    differing: int
    left_over: tuple[str, ...]
    phases: tuple[PhaseState, ...]


def rehearse(night: Night, simulation: Simulation) -> tuple[Rehearsal, Simulation]:
    """Run the plan forwards and backwards on a copy, and measure it.

    Writes `rehearsal.json`, and `simulation.json` anew with the measured estimate.

    Raises:
        MigrationError: the copy could not be made, or a phase failed on it; nothing but the copy is touched.
    """
    with _copy(night) as url, postgres.connect(url, autocommit=True, purpose="rehearse") as connection:
        before = schema.describe(connection)
        with connection.transaction():
            history.prepare(connection, night.catalog)
            inputs.store(connection, night.inputs)
            record = history.begin(connection, night.run_id)
        context = Context(
            connection, night.catalog, night.settings, night.run_id, "", record.backup_stamp, night.emit, lambda: None
        )
        started = time.monotonic()
        execute.phases(
            connection,
            night.plan,
            catalog=night.catalog,
            settings=night.settings,
            record=record,
            commit="batch",
            emit=night.emit,
            save=_nothing,
        )
        seconds = time.monotonic() - started
        run = execute.state(connection, night.plan, night.run_id)
        with tempfile.TemporaryDirectory(dir=_made(night.scratch)) as out:
            verified = verify.verify(
                context,
                night.plan,
                url=url,
                before=night.decided,
                given=night.inputs,
                prediction=night.folder / "prediction",
                rejects=night.folder / "rejects.parquet",
                out=Path(out),
                scratch=night.scratch,
            )
        started = time.monotonic()
        revert.revert(context, night.plan, save=_nothing)
        rehearsal = Rehearsal(
            seconds=round(seconds, 3),
            revert_seconds=round(time.monotonic() - started, 3),
            verified=verified.ok,
            differing=sum(compared.differing for compared in verified.compared.values()),
            left_over=schema.differences(before, schema.describe(connection)),
            phases=run.phases,
        )
    files.write_json(night.folder / "rehearsal.json", asdict(rehearsal))
    estimate = replace(simulation.estimate, seconds=round(_WINDOW_BUFFER * rehearsal.seconds, 1))
    measured = replace(simulation, estimate=estimate)
    simulate.save(measured, night.folder)
    return rehearsal, measured


def _nothing(*, now: bool = False) -> None:
    """A rehearsal leaves no run.json."""


@contextmanager
def _copy(night: Night) -> Iterator[str]:
    """The URL of a database with the source's schema and the snapshot's rows; dropped at the end."""
    server = embedded.start(night.settings.workspace)
    name = f"rehearsal_{night.run_id}".lower()
    with postgres.connect(server.admin_url(), autocommit=True) as admin:
        _make_roles(night, admin)
        database = sql.Identifier(name)
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(database))
        admin.execute(
            sql.SQL("create database {} template template0 owner {}").format(database, sql.Identifier(embedded.OWNER))
        )
        try:
            _fill(night, server.url(name))
            yield server.url(name)
        finally:
            admin.execute(sql.SQL("drop database if exists {} with (force)").format(database))


def _make_roles(night: Night, admin: Connection) -> None:
    """Roles that the source's grants and policies may name, without any right of their own."""
    with postgres.connect(night.url, purpose="rehearse") as source:
        names = {row[0] for row in source.execute("select rolname from pg_catalog.pg_roles where rolname !~ '^pg_'")}
    there = {row[0] for row in admin.execute("select rolname from pg_catalog.pg_roles")}
    for name in sorted((names | {embedded.OWNER}) - there):
        login = sql.SQL("login" if name == embedded.OWNER else "nologin")
        admin.execute(sql.SQL("create role {} {}").format(sql.Identifier(name), login))


def _fill(night: Night, url: str) -> None:
    with tempfile.TemporaryDirectory(dir=_made(night.scratch)) as scratch:
        dump = Path(scratch) / "schema.dump"
        _dump_schema(night.url, dump)
        _restore(dump, url, "pre-data")
        with postgres.connect(url) as connection, duck.session("", scratch=Path(scratch)) as session:
            for table in night.decided.tables:
                file = Path(scratch) / "rows.csv"
                listed = ", ".join(
                    f"{_written(quoted(column), kind)} as {quoted(column)}"
                    for column, kind in _kinds(session, night, table)
                )
                path = night.decided.folder / table.file
                session.execute(
                    f"copy (select {listed} from read_parquet({literal(path)})) to {literal(file)} "
                    "(format csv, header false, nullstr '\\N')"
                )
                _bring_in(connection, table, file)
                night.emit(Event("note", "rehearse", f"{table.name}: {table.rows:,} rows copied"))
        _restore(dump, url, "post-data")
        with postgres.connect(url, autocommit=True) as connection:
            connection.execute("analyze")


def _dump_schema(url: str, file: Path) -> None:
    with postgres.connect(url, purpose="rehearse") as source:
        version = postgres.who_am_i(source).version
    program = tools.find("pg_dump", server_version=version)
    if program is None:
        raise MigrationError("no pg_dump fits this server", hint="Install its client programs; `doctor` says which.")
    arguments, environment = tools.session_of(url)
    done = subprocess.run(
        [program, "--schema-only", "--no-owner", "--format=custom", f"--file={file}", *arguments],
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise MigrationError(f"pg_dump of the schema failed: {done.stderr.strip().splitlines()[-1]}")


def _restore(file: Path, url: str, section: str) -> None:
    """Restore one section; what the throw-away server lacks (extensions, rows of other schemas) is left out."""
    _arguments, environment = tools.session_of(url)
    database = environment["PGDATABASE"]  # without --dbname it would write a script
    program = embedded.bin_folder() / "pg_restore"
    subprocess.run(
        [program, f"--section={section}", "--no-owner", f"--dbname={database}", file],
        env=environment,
        capture_output=True,
        check=False,
    )


def _kinds(session: duck.Session, night: Night, table: TableSnapshot) -> list[tuple[str, str]]:
    path = night.decided.folder / table.file
    return [
        (row[0], row[1]) for row in session.execute(f"describe select * from read_parquet({literal(path)})").fetchall()
    ]


def _written(column: str, kind: str) -> str:
    """A value as PostgreSQL reads it from CSV: arrays in braces, years before Christ with BC behind them."""
    if kind == "VARCHAR[]":
        entry = "'\"' || replace(replace(entry, '\\', '\\\\'), '\"', '\\\"') || '\"'"
        return (
            f"'{{' || array_to_string(list_transform({column}, lambda entry: coalesce({entry}, 'NULL')), ',') || '}}'"
        )
    if kind.endswith("[]"):
        entry = "coalesce(cast(entry as varchar), 'NULL')"
        return f"'{{' || array_to_string(list_transform({column}, lambda entry: {entry}), ',') || '}}'"
    if kind in ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"):
        text = f"cast({column} as varchar)"
        return f"case when contains({text}, '(BC)') then replace({text}, ' (BC)', '') || ' BC' else {text} end"
    if kind == "BLOB":
        return f"'\\x' || hex({column})"
    return column


def _bring_in(connection: Connection, table: TableSnapshot, file: Path) -> None:
    listed = sql.SQL(", ").join(sql.Identifier(column) for column in table.columns)
    statement = sql.SQL("copy {} ({}) from stdin (format csv, null '\\N')").format(
        sql.Identifier("public", table.name), listed
    )
    with connection.cursor().copy(statement) as copy, file.open("rb") as rows:
        while chunk := rows.read(_CHUNK):
            copy.write(chunk)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
