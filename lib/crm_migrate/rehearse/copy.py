"""The copy that is rehearsed on: the source's schema as pg_dump reads it, and the rows of the snapshot (B3).

What cannot be copied is told, not dropped in silence: rows that no snapshot holds, schemas that this role cannot read,
objects that the throw-away server refuses.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from crm_migrate import drift, duck, embedded, postgres, snapshot, throwaway, tools
from crm_migrate.duck import literal, quoted
from crm_migrate.errors import Stopped, UsageError
from crm_migrate.events import Event, silent
from crm_migrate.night import Night
from crm_migrate.postgres import Connection
from crm_migrate.snapshot import Snapshot, TableSnapshot

_CHUNK = 1 << 20
_STATE = (
    "--exclude-schema=migration",
    "--exclude-schema=migration_backup",
    "--exclude-table=public.migration_history",
    "--exclude-table=public.migration_status",
)
_REFUSED = re.compile(
    r"could not execute query: ERROR:\s+(?P<reason>[^\n]+)\n.*?Command was: (?P<statement>.*?)(?:;\n|\Z)", re.DOTALL
)
_CUT = 100  # characters of a statement that was refused


@dataclass(frozen=True, slots=True)
class Copy:
    """The copy, before anything was done to it.

    Attributes:
        start: a snapshot of it, which the way back has to come to again.
        not_copied: what of the source is not in it, and why.
    """

    url: str
    start: Snapshot
    not_copied: tuple[str, ...]


@contextmanager
def made(night: Night, work: Path) -> Iterator[Copy]:
    """A database on the embedded server with the source's schema and the snapshot's rows; dropped at the end.

    Args:
        work: a folder for what lies between; removed by the caller.

    Raises:
        UsageError: there is no pg_dump, or it cannot read the schema.
        Stopped: pg_restore failed.
        Refused: another process rehearses this run now.
    """
    server = embedded.start(night.settings.workspace)
    with postgres.connect(server.admin_url(), autocommit=True) as admin:
        _make_roles(night, admin)
        with throwaway.made(admin, night.run_id) as name:
            lacking = _fill(night, server.url(name), work)
            start = snapshot.take(server.url(name), work / "start", emit=silent)
            altered = [
                f"{table.moved:,} rows of table {table.table}: they are not the same in the copy"
                for table in drift.compare(night.decided, start).tables
            ]
            yield Copy(server.url(name), start, (*lacking, *altered))


def _make_roles(night: Night, admin: Connection) -> None:
    """Roles that the source's grants and policies may name, without any right of their own."""
    with postgres.connect(night.url, purpose="rehearse") as source:
        names = {row[0] for row in source.execute("select rolname from pg_catalog.pg_roles where rolname !~ '^pg_'")}
    there = {row[0] for row in admin.execute("select rolname from pg_catalog.pg_roles")}
    for name in sorted((names | {embedded.OWNER}) - there):
        login = sql.SQL("login" if name == embedded.OWNER else "nologin")
        admin.execute(sql.SQL("create role {} {}").format(sql.Identifier(name), login))


def _fill(night: Night, url: str, work: Path) -> list[str]:
    """Bring schema and rows in; returns what is lacking."""
    dump, decided = work / "schema.dump", night.decided
    lacking = _dump_schema(night, dump)
    lacking += _restore(dump, url, "pre-data")
    with postgres.connect(url) as connection, duck.session("", scratch=work) as session:
        for table in decided.tables:
            file, path = work / "rows.csv", decided.path(table.name)
            listed = ", ".join(
                f"{_written(quoted(column), kind)} as {quoted(column)}" for column, kind in _kinds(session, path)
            )
            session.execute(
                f"copy (select {listed} from read_parquet({literal(path)})) to {literal(file)} "
                "(format csv, header false, nullstr '\\N')"
            )
            _bring_in(connection, table, file)
            night.emit(Event("note", "rehearse", f"{table.name}: {table.rows:,} rows copied"))
    lacking += _restore(dump, url, "post-data")
    with postgres.connect(url, autocommit=True) as connection:
        connection.execute("analyze")
    return lacking


def _dump_schema(night: Night, file: Path) -> list[str]:
    """Dump all that this role can read, without any row; returns what is not in it."""
    with postgres.connect(night.url, purpose="rehearse") as source:
        version = postgres.who_am_i(source).version
        left_out, empty = _schemas_left_out(source), _tables_without_rows(source, night.decided)
    program = tools.find("pg_dump", server_version=version)
    if program is None:
        raise UsageError("no pg_dump fits this server", hint="Install its client programs; `doctor` says which.")
    arguments, environment = tools.session_of(night.url)
    names = ['"' + name.replace('"', '""') + '"' for name in left_out]
    done = subprocess.run(
        [
            *(program, "--schema-only", "--no-owner", "--format=custom", "--no-password", f"--file={file}"),
            *(*_STATE, *(f"--exclude-schema={name}" for name in names), *arguments),
        ],
        env=environment | {"LC_ALL": "C"},
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode:
        raise UsageError(
            f"pg_dump of the schema failed: {done.stderr.strip().splitlines()[-1]}",
            hint="Nothing was changed; a rehearsal needs the right to read every table of schema public.",
        )
    return [
        *(f"schema {name}: this role cannot read it in full" for name in left_out),
        *(f"rows of table {name}: they are no part of a snapshot" for name in empty),
    ]


def _schemas_left_out(source: Connection) -> list[str]:
    rows = source.execute(
        """
        select distinct schemas.nspname::text
        from pg_catalog.pg_namespace as schemas
        left join pg_catalog.pg_class as classes
            on classes.relnamespace = schemas.oid and classes.relkind in ('r', 'p')
        where schemas.nspname !~ '^(pg_|information_schema$|migration)' and schemas.nspname <> 'public'
            and (
                not has_schema_privilege(schemas.oid, 'usage') or not has_table_privilege(classes.oid, 'select')
            )
        order by 1
        """
    )
    return [name for (name,) in rows]


def _tables_without_rows(source: Connection, taken: Snapshot) -> list[str]:
    rows = source.execute(
        """
        select relname::text from pg_catalog.pg_class as classes
        where relnamespace = 'public'::regnamespace and relkind = 'r'
            and relname not in ('migration_history', 'migration_status')
            and relname <> all (%s)
            and not exists (select from pg_catalog.pg_depend where objid = classes.oid and deptype = 'e')
        order by 1
        """,
        [[table.name for table in taken.tables]],
    )
    return [name for (name,) in rows]


def _restore(file: Path, url: str, section: str) -> list[str]:
    """Restore one section; returns each object that the throw-away server refused, with the server's reason.

    Raises:
        Stopped: pg_restore failed otherwise.
    """
    _arguments, environment = tools.session_of(url)
    database = environment["PGDATABASE"]  # without --dbname it would write a script
    done = subprocess.run(
        [embedded.bin_folder() / "pg_restore", f"--section={section}", "--no-owner", f"--dbname={database}", file],
        env=environment | {"LC_ALL": "C"},
        capture_output=True,
        text=True,
        errors="replace",
    )
    refused = [
        f"{' '.join(found['statement'].split())[:_CUT]}: {found['reason']}" for found in _REFUSED.finditer(done.stderr)
    ]
    if done.returncode and not refused:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise Stopped(f"pg_restore of the schema failed: {last}", hint="Nothing but the copy was touched.")
    return refused


def _kinds(session: duck.Session, path: Path) -> list[tuple[str, str]]:
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
