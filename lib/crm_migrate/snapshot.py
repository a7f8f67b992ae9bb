"""The source as it was at one moment: a folder of Parquet files with a manifest (A1).

All tables are read in one repeatable-read, read-only transaction that several sessions share; nothing is written to the
source. The manifest is written last: a folder without one is no snapshot. After the migration the same legacy names are
read through the compatibility views.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import psycopg
from psycopg import sql

from crm_migrate import duck, files, oddities, postgres, schema
from crm_migrate.calibration import Calibration
from crm_migrate.errors import DamagedFile, MigrationError, NoSuchRun, UsageError
from crm_migrate.events import Event, Sink
from crm_migrate.extract import extract, readable
from crm_migrate.oddities import Oddity

MANIFEST, SCHEMA = "manifest.json", "schema.json"
REFERENCE = "snapshot.json"  # in the run's folder
_AGAIN = "Begin anew with `crm-migrate snapshot`."
_GONE = (
    "Before a night take one with `crm-migrate snapshot`. A night that is midway needs its own back from a copy, or is "
    "taken back: `crm-migrate abort --confirm DATABASE`."
)
_READERS = 2  # sessions that read at the same time, one table each
_RENAMED = {"deals": "opportunities", "dealNotes": "opportunityNotes"}
_POLARS_MICROSECONDS, _POLARS_DAYS = 8_200_000_000_000_000_000, 95_000_000  # about 260,000 years either way


@dataclass(frozen=True, slots=True)
class TableSnapshot:
    """One table of a snapshot.

    Attributes:
        columns: types as PostgreSQL writes them, by column, in physical order.
        primary_key: empty where the table has none.
        file: name of the Parquet file in the snapshot's folder; its types are those that `extract` gives.
        fingerprint: the same for the same rows in any order, as long as DuckDB's version is the same.
    """

    name: str
    rows: int
    columns: dict[str, str]
    primary_key: tuple[str, ...]
    file: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The source at one moment; the rows themselves stay in `folder`.

    Attributes:
        taken_at: start of the transaction, by the server's clock, in UTC.
        schema_fingerprint: SHA-256 over the catalogue document in `schema.json`.
        system: the server's system identifier: databases of one name stand on many servers; empty where nobody knows.
    """

    id: str
    taken_at: datetime
    server_version: str
    database: str
    tables: tuple[TableSnapshot, ...]
    oddities: tuple[Oddity, ...]
    schema_fingerprint: str
    folder: Path
    system: str = ""

    @property
    def rows(self) -> dict[str, int]:
        """Rows by table."""
        return {table.name: table.rows for table in self.tables}

    def path(self, table: str) -> Path:
        """The Parquet file of a table.

        Raises:
            UsageError: the snapshot has no such table.
        """
        return self.folder / self.table(table).file

    def table(self, name: str) -> TableSnapshot:
        """One table by its name.

        Raises:
            UsageError: the snapshot has no such table.
        """
        for table in self.tables:
            if table.name == name:
                return table
        raise UsageError(f"snapshot {self.id} has no table {name}", hint="It has " + ", ".join(self.rows) + ".")


@dataclass(frozen=True, slots=True)
class Reference:
    """Which snapshot a run has, and where it lies.

    Attributes:
        calibration: how fast the server was when it was taken; None for a run of an earlier version.
    """

    id: str
    folder: str
    rows: Mapping[str, int]
    calibration: Calibration | None = None


def take(url: str, folder: Path, *, emit: Sink) -> Snapshot:
    """Read the source into `folder`; nothing is written to the database.

    What a crash left in the folder is written over; where this fails, the folder goes. Memory stays flat: two tables
    are read at a time, batch by batch.

    Raises:
        NotAtomicCrm: tables are missing, or this role does not see all of their rows.
        ServerUnreachable: no session could be had.
        UsageError: the folder already holds a snapshot.
        MigrationError: the database ended a read.
    """
    if (folder / MANIFEST).exists():
        raise UsageError(f"{folder} already holds a snapshot", hint="Take each snapshot in a folder of its own.")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # it holds personal data
    try:
        return _taken(url, folder, emit=emit)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _taken(url: str, folder: Path, *, emit: Sink) -> Snapshot:
    with postgres.connect(url, purpose="snapshot") as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.execute("select set_config(%s, '0', true)", [limit])
        server, system = postgres.require_atomic_crm(connection), postgres.system_identifier(connection)
        moment = connection.execute("select now() at time zone 'UTC', pg_export_snapshot()").fetchone()
        assert moment is not None
        names = [name for name in postgres.SOURCE_TABLES + postgres.OPTIONAL_TABLES if _is_there(connection, name)]
        document = schema.describe(connection)
        columns = {name: postgres.columns(connection, f"public.{name}") for name in names}
        keys = {name: _primary_key(connection, name) for name in names}
        rows = {name: _count(connection, name) for name in names}
        odd = [odd for name in names for odd in oddities.in_postgres(connection, name, columns[name], keys[name])]
        try:
            _read(url, folder, columns, rows, at=moment[1], emit=emit)
        except (MigrationError, psycopg.Error):
            connection.execute("select")  # where this session is lost, that is why: its readers only lost the moment
            raise
    tables, unreadable = _fingerprinted(folder, columns, keys, rows)
    digest = hashlib.sha256("".join(table.fingerprint for table in tables).encode()).hexdigest()
    snapshot = Snapshot(
        id=f"{moment[0]:%Y%m%dT%H%M%S.%fZ}-{digest[:8]}",
        taken_at=moment[0].replace(tzinfo=UTC),
        server_version=server.version_text,
        database=server.database,
        tables=tuple(tables),
        oddities=tuple(odd + unreadable),
        schema_fingerprint=schema.fingerprint(document),
        folder=folder,
        system=system,
    )
    files.write_json(folder / SCHEMA, document)
    content = asdict(snapshot) | {"taken_at": snapshot.taken_at.isoformat()}
    del content["folder"]
    files.write_json(folder / MANIFEST, content)
    return snapshot


def load(folder: Path) -> Snapshot:
    """Open the snapshot that `take` made.

    Raises:
        NoSuchRun: there is no snapshot, or it was broken off.
        DamagedFile: its manifest is not what this version saves.
        UsageError: files of it are missing.
    """
    try:
        snapshot = files.read_value(folder / MANIFEST, Snapshot, hint=_AGAIN, given={"folder": folder})
    except FileNotFoundError:
        raise NoSuchRun(f"there is no snapshot in {folder}", hint=_GONE) from None
    missing = [table.file for table in snapshot.tables if not (folder / table.file).is_file()]
    if missing:
        raise UsageError(f"snapshot {snapshot.id} lacks {', '.join(missing)}", hint=_AGAIN)
    return snapshot


def reference(folder: Path) -> Reference:
    """What a run's folder says of its snapshot.

    Raises:
        NoSuchRun: the run has none.
        DamagedFile: the file is not what this version saves.
    """
    try:
        return files.read_value(folder / REFERENCE, Reference, hint=_AGAIN)
    except FileNotFoundError:
        raise NoSuchRun(f"run {folder.name} has no snapshot", hint="Run `crm-migrate assess` first.") from None


def of_run(folder: Path) -> Snapshot:
    """The snapshot of a run.

    Raises:
        NoSuchRun: the run has none, or it is gone.
        DamagedFile: it is not what this version saves.
    """
    return load(Path(reference(folder).folder))


def document(snapshot: Snapshot) -> schema.Document:
    """The catalogue of the source at that moment, as `schema.describe` gives it.

    Raises:
        DamagedFile: the file is gone, or not what this version saves.
    """
    path = snapshot.folder / SCHEMA
    try:
        return files.read_value(path, dict[str, str], hint=_AGAIN)
    except FileNotFoundError:
        raise DamagedFile(path, "it is not there", hint=_AGAIN) from None


def reading(snapshot: Snapshot) -> AbstractContextManager[None]:
    """Blame a damaged file of the snapshot for what fails meanwhile, in place of the query that met it."""
    return duck.reading({snapshot.folder / table.file: tuple(table.columns) for table in snapshot.tables}, hint=_AGAIN)


def attach(session: duck.Session, snapshot: Snapshot) -> None:
    """Make each table a view `public."<table>"` of `session`, with the types that PostgreSQL has.

    json and jsonb become JSON (a value that DuckDB cannot read becomes a JSON text of itself), uuid UUID, and
    numeric(p,s) up to 38 digits DECIMAL; a numeric without limits stays text, as does every type DuckDB lacks.
    """
    session.execute("create schema if not exists public")
    for table in snapshot.tables:
        outputs = ", ".join(
            f"{_typed(duck.quoted(column), kind)} as {duck.quoted(column)}" for column, kind in table.columns.items()
        )
        source = f"read_parquet({duck.literal(snapshot.folder / table.file)})"
        session.execute(f"create or replace view public.{duck.quoted(table.name)} as select {outputs} from {source}")


def scan_polars(snapshot: Snapshot, table: str) -> pl.LazyFrame:
    """A table as a lazy frame with the types of the file: json, uuid and numeric are text.

    Infinite dates and timestamps become null, as do those beyond 260,000 years: Polars ends the process on them.

    Raises:
        UsageError: the snapshot has no such table.
    """
    frame = pl.scan_parquet(snapshot.path(table))
    limits = {pl.Datetime: _POLARS_MICROSECONDS, pl.Date: _POLARS_DAYS}
    return frame.with_columns(
        pl.when(pl.col(name).to_physical().is_between(-limits[kind.base_type()], limits[kind.base_type()]))
        .then(pl.col(name))
        .alias(name)
        for name, kind in frame.collect_schema().items()
        if kind.base_type() in limits
    )


def _read(
    url: str, folder: Path, columns: Mapping[str, Mapping[str, str]], rows: Mapping[str, int], *, at: str, emit: Sink
) -> None:
    """Read the tables, largest first, on a few threads; the first that fails stops the others."""
    lock, stop = threading.Lock(), threading.Event()

    def read(name: str) -> None:
        began = time.monotonic()

        def say(done: int, _seconds: float) -> None:
            if stop.is_set():
                raise MigrationError(f"reading of {name} was broken off")
            with lock:
                emit(
                    Event(
                        kind="progress",
                        name=f"snapshot:{name}",
                        message=f"{name}: {done:,} of {rows[name]:,} rows read",
                        rows_done=done,
                        rows_total=rows[name],
                        seconds=time.monotonic() - began,
                    )
                )

        selected = sql.SQL("select {} from {}").format(
            sql.SQL(", ").join(readable(column, kind) for column, kind in columns[name].items()),
            sql.Identifier("public", name),
        )
        done = extract(url, selected.as_string(None), _file(folder, name), at=at, progress=say, purpose="snapshot")
        if done != rows[name]:
            raise MigrationError(f"{name} has {rows[name]:,} rows, but {done:,} arrived")
        if done == 0:
            say(0, 0.0)

    with ThreadPoolExecutor(_READERS) as pool:
        waiting = [pool.submit(read, name) for name in sorted(columns, key=lambda name: -rows[name])]
        try:
            for future in waiting:
                future.result()
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _file(folder: Path, table: str) -> Path:
    return folder / f"{table}.parquet"


def _fingerprinted(
    folder: Path, columns: Mapping[str, dict[str, str]], keys: Mapping[str, tuple[str, ...]], rows: Mapping[str, int]
) -> tuple[list[TableSnapshot], list[Oddity]]:
    """The content's fingerprint of each file, and the JSON that DuckDB cannot read."""
    tables: list[TableSnapshot] = []
    odd: list[Oddity] = []
    with tempfile.TemporaryDirectory(dir=folder) as scratch, duck.session("", scratch=Path(scratch)) as session:
        for name, types in columns.items():
            file = _file(folder, name)
            source = f"read_parquet({duck.literal(file)})"
            listed = ", ".join(duck.quoted(column) for column in sorted(types))
            found = session.execute(f"select sum(hash({listed})) from {source}").fetchone()
            digest = hashlib.sha256(f"{sorted(types.items())} {rows[name]} {found}".encode()).hexdigest()
            fingerprint = f"duckdb {duckdb.__version__} {digest}"
            tables.append(TableSnapshot(name, rows[name], types, keys[name], file.name, fingerprint))
            odd += oddities.in_file(session, file, name, types, keys[name])
    return tables, odd


def _is_there(connection: postgres.Connection, table: str) -> bool:
    return bool(postgres.columns(connection, f"public.{table}"))


def _count(connection: postgres.Connection, table: str) -> int:
    query = sql.SQL("select count(*) from {}").format(sql.Identifier("public", table))
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def _primary_key(connection: postgres.Connection, table: str) -> tuple[str, ...]:
    """Columns of the primary key; of a compatibility view those of the table behind it."""
    found = connection.execute(
        """
        select attributes.attname
        from pg_catalog.pg_index as indexes
        cross join lateral unnest(indexes.indkey::smallint[]) with ordinality as parts (number, position)
        inner join pg_catalog.pg_attribute as attributes
            on attributes.attrelid = indexes.indrelid and attributes.attnum = parts.number
        where indexes.indisprimary
            and indexes.indrelid in (to_regclass(%s), to_regclass(%s))
        order by parts.position
        """,
        [f'public."{table}"', f'public."{_RENAMED.get(table, table)}"'],
    )
    return tuple(name for (name,) in found)


def _typed(column: str, kind: str) -> str:
    match kind:
        case "json" | "jsonb":
            return f"coalesce(try_cast({column} as json), to_json({column}))"
        case "json[]" | "jsonb[]":
            return f"list_transform({column}, lambda entry: coalesce(try_cast(entry as json), to_json(entry)))"
        case "uuid" | "uuid[]":
            return f"cast({column} as {kind})"
    decimal = oddities.decimal_of(kind)
    return column if decimal is None else f"try_cast({column} as decimal({decimal[0]}, {decimal[1]}))"
