"""One SELECT of PostgreSQL, streamed into one Parquet file by ADBC; memory stays flat (A1, H2).

What a type becomes in the file: booleans, integers, floats, text, bytea, dates and timestamps arrive as such, and so do
arrays of all but the last two. Every other type is cast to text by the server (numeric, json, jsonb, uuid, enums,
intervals, composites, …), an array of one to text[]. Nothing is rounded and nothing is parsed on the way.

ADBC counts from 1970 where PostgreSQL counts from 2000 and lets the sum overflow, so that infinity turns into 290279 BC
without a word (measured.md); such values are put right batch by batch.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path

import adbc_driver_manager
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from crm_migrate import faults, postgres
from crm_migrate.errors import MigrationError, Stopped
from crm_migrate.runners import application_name

Progress = Callable[[int, float], None]

_NATIVE = frozenset({16, 17, 20, 21, 23, 25, 700, 701, 1042, 1043, 1082, 1114, 1184})  # oids are fixed by PostgreSQL
_NATIVE_ARRAYS = frozenset({1000, 1001, 1005, 1007, 1009, 1014, 1015, 1016, 1021, 1022})
_BATCH_BYTES = 8 * 1024 * 1024
_SERVERS_WORD = re.compile(r"(?:ERROR|FATAL|PANIC):\s*(.+)")
_ONE_AT_A_TIME = threading.Lock()  # ADBC counts a server's open sessions unguarded, and fails once it has miscounted

# Microseconds and days since 1970 as they come in: everything below PostgreSQL's first day has overflowed.
_FIRST_MICROSECOND, _FIRST_DAY = -210_866_803_200_000_000, -2_440_588
_MINUS_INFINITY_MICROSECONDS, _MINUS_INFINITY_DAYS = -(2**63) + 946_684_800_000_000, -(2**31) + 10_957


def readable(column: str, kind: str) -> sql.Composable:
    """A column as ADBC can read it: an array that counts from neither 0 nor 1 comes flat and counted from 1.

    Args:
        kind: its type as PostgreSQL writes it.
    """
    name = sql.Identifier(column)
    if not kind.endswith("[]"):
        return name
    return sql.SQL(
        "case when array_lower({0}, 1) not in (0, 1) then array(select unnest({0})) else {0} end as {0}"
    ).format(name)


def extract(
    url: str, select: str, file: Path, *, at: str | None = None, progress: Progress | None = None, purpose: str = "read"
) -> int:
    """Stream one SELECT into a Parquet file (LZ4, one row group a batch); the session is read-only.

    A timestamp behind the year 294246, which neither Arrow nor DuckDB can hold, becomes infinity.

    Args:
        select: one statement without a trailing semicolon; its output columns have distinct names.
        file: replaced if it is there; written under another name first.
        at: an exported snapshot to read at, from `pg_export_snapshot()` of a session that still holds it.
        progress: told rows so far and seconds so far after each batch.
        purpose: shown behind the application name in pg_stat_activity.

    Returns:
        The number of rows written.

    Raises:
        MigrationError: the server refused the statement.
        Stopped: it broke off, or the disk is full; no file is left.
        ServerUnreachable: no session could be had.
    """
    query, quotes = _castable(url, select, at=at, purpose=purpose)
    given: dict[str, str | int] = {
        "application_name": application_name(purpose),
        "client_encoding": "UTF8",
        "connect_timeout": 10,
    }
    if quotes:
        given["options"] = f"{conninfo_to_dict(url).get('options', '')} -c quote_all_identifiers=off"
    conninfo = make_conninfo(url, **given)
    temporary = file.with_name(f".{file.name}.part")
    try:
        with _session(conninfo, at) as session:
            rows = _stream(session, query, temporary, progress)
        temporary.replace(file)
    except (adbc_driver_manager.Error, pa.ArrowException, OSError) as error:
        raise Stopped(
            f"reading into {file.name} broke off: {_servers_word(error)}",
            hint="See why in the server's log, or make room on this machine; then run the same command again.",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return rows


@lru_cache(maxsize=8)
def _database(conninfo: str) -> adbc_driver_manager.AdbcDatabase:
    """What ADBC knows of a server's types: ten times as long to find out as a session takes, and no session itself."""
    import adbc_driver_postgresql  # takes a while to import, which every other command would wait

    return adbc_driver_postgresql.connect(conninfo)


@contextmanager
def _session(conninfo: str, at: str | None) -> Iterator[adbc_driver_manager.AdbcConnection]:
    with _ONE_AT_A_TIME:
        session = adbc_driver_manager.AdbcConnection(_database(conninfo))
    try:
        session.set_autocommit(False)
        _execute(session, "set transaction isolation level repeatable read, read only")
        if at is not None:
            _execute(session, f"set transaction snapshot '{at}'")
        _execute(session, postgres.AS_OURS)
        _execute(session, "set local statement_timeout = 0")
        yield session
        session.rollback()
    finally:
        with _ONE_AT_A_TIME:
            session.close()


def _execute(session: adbc_driver_manager.AdbcConnection, text: str) -> None:
    with closing(adbc_driver_manager.AdbcStatement(session)) as statement:
        statement.set_sql_query(text)
        statement.execute_update()


def _stream(session: adbc_driver_manager.AdbcConnection, query: str, file: Path, progress: Progress | None) -> int:
    began = time.monotonic()
    rows = 0
    with closing(adbc_driver_manager.AdbcStatement(session)) as statement:
        statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(_BATCH_BYTES)})
        statement.set_sql_query(query)
        handle, _rows = statement.execute_query()
        with (
            pa.RecordBatchReader.from_stream(handle) as reader,
            # A tenth quicker than zstd, both ways.
            pq.ParquetWriter(file, reader.schema, compression="lz4") as writer,
        ):
            for batch in reader:
                if batch.num_rows:
                    writer.write_batch(_mended(batch))
                    rows += batch.num_rows
                    if progress is not None:
                        progress(rows, time.monotonic() - began)
    return rows


def _castable(url: str, select: str, *, at: str | None, purpose: str) -> tuple[str, bool]:
    """The SELECT around the SELECT that casts what does not travel as it is.

    And whether sessions begin with every name in quotes: ADBC, which looks for types as one begins, then knows none.
    """
    with postgres.connect(url, purpose=purpose) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        if at is not None:
            connection.execute(sql.SQL("set transaction snapshot {}").format(sql.Literal(at)))
        try:
            found = connection.execute(f"select * from (\n{select}\n) as given limit 0".encode()).description or []
        except psycopg.Error as error:
            if faults.is_of_the_moment(error):
                raise
            raise MigrationError(f"the server refuses a SELECT: {_first_line(error)}") from error
        oids = [column.type_code for column in found]
        arrays = {
            oid
            for (oid,) in connection.execute(
                "select oid from pg_catalog.pg_type where oid = any (%s) and typcategory = 'A'", [oids]
            )
        }
        outputs = [
            sql.SQL("{}{} as {}").format(name, sql.SQL(_cast(column.type_code, arrays)), name)
            for column in found
            for name in [sql.Identifier(column.name)]
        ]
        listed = sql.SQL(", ").join(outputs).as_string(connection)
        quotes = connection.execute(
            "select reset_val = 'on' from pg_catalog.pg_settings where name = 'quote_all_identifiers'"
        ).fetchone()
    return f"select {listed} from (\n{select}\n) as given", quotes == (True,)


def _cast(oid: int, arrays: set[int]) -> str:
    if oid in _NATIVE or oid in _NATIVE_ARRAYS:
        return ""
    return "::text[]" if oid in arrays else "::text"


def _mended(batch: pa.RecordBatch) -> pa.RecordBatch:
    for index, field in enumerate(batch.schema):
        if pa.types.is_timestamp(field.type):
            whole, first, minus = pa.int64(), _FIRST_MICROSECOND, _MINUS_INFINITY_MICROSECONDS
        elif pa.types.is_date32(field.type):
            whole, first, minus = pa.int32(), _FIRST_DAY, _MINUS_INFINITY_DAYS
        else:
            continue
        counts = batch.column(index).cast(whole)
        overflowed = pc.less(counts, pa.scalar(first, whole))
        if pc.any(overflowed).as_py():
            largest = 2 ** (whole.bit_width - 1) - 1
            infinite = pc.if_else(
                pc.equal(counts, pa.scalar(minus, whole)), pa.scalar(-largest, whole), pa.scalar(largest, whole)
            )
            mended = pc.if_else(overflowed, infinite, counts).cast(field.type)
            batch = batch.set_column(index, field, mended)
    return batch


def _servers_word(error: BaseException) -> str:
    said = _SERVERS_WORD.search(str(error))
    return _first_line(error) if said is None else said[1]


def _first_line(error: BaseException) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
