"""A run's dump in another database, beside the migrated one, which goes on as it is: to look at, or to move to (E1)."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from crm_migrate import access, backup, history, maintenance, postgres, tools
from crm_migrate.backup import contents, proof
from crm_migrate.errors import NoSuchRun, Refused, Undone, UsageError
from crm_migrate.events import Event, Sink
from crm_migrate.night import Night
from crm_migrate.postgres import Connection

_OBJECT = """
    case kind
        when 'table' then to_regclass(name)
        when 'schema' then to_regnamespace(name)
        else (
            select functions.oid
            from pg_catalog.pg_proc as functions
            inner join pg_catalog.pg_namespace as namespaces on namespaces.oid = functions.pronamespace
            where window_others.name = format(
                '%I.%I(%s)', namespaces.nspname, functions.proname, pg_get_function_identity_arguments(functions.oid)
            )
        )
    end
"""
_COLUMN = """
    select attnum from pg_catalog.pg_attribute
    where attrelid = window_others.object and attname = window_others.column_name and attnum > 0
"""
_NOTED_BY_NAME = f"""
    delete from migration.window_others where kind = 'database' or ({_OBJECT}) is null;
    update migration.window_others set object = {_OBJECT};
    delete from migration.window_others where column_number > 0 and not exists ({_COLUMN});
    update migration.window_others set column_number = ({_COLUMN}) where column_number > 0
"""  # an oid of the database that was dumped may be anything's here


@dataclass(frozen=True, slots=True)
class Restored:
    """What stands in the other database.

    Attributes:
        dumped: the database that was dumped.
        rows: by table, as counted there.
        proved: tables whose fingerprint was found to be that of before the migration.
    """

    run_id: str
    database: str
    dumped: str
    rows: dict[str, int]
    proved: tuple[str, ...]


def restore_into(night: Night, database: str) -> Restored:
    """Bring schema public of the run's dump into an empty database of the same server, all of it or nothing.

    Users could write there at once: their rights are those of before the window. What the dump does not hold, such as
    other schemas and settings of the database, has to be there already; extensions are made where they are not.

    Raises:
        NoSuchRun: the run made no dump.
        Refused: the database is the migrated one, or is not empty; nothing was changed.
        Undone: the restore failed or its outcome is not what was dumped; nothing was changed.
    """
    with postgres.connect(night.url, autocommit=True, purpose="restore") as here:
        record = history.run(here, night.run_id)
        if record is None or "dump" not in record.facts:
            raise NoSuchRun(f"run {night.run_id} has made no dump", hint="`crm-migrate status` tells how far it came.")
        dump = backup.load(Path(record.facts["dump"]))
        taken = proof.of_run(here, record.backup_stamp)
    with postgres.connect(make_conninfo(night.url, dbname=database), purpose="restore") as there:
        _require_empty(there, dump)
        try:
            with there.transaction():
                _fill(there, night, dump)
                proof.prove(there, dump, taken=taken, rows=dump.rows, emit=night.emit)
                _open(there)
        except psycopg.Error as error:
            reason = (error.diag.message_primary or str(error) or type(error).__name__).splitlines()[0]
            raise Undone(
                f"the restore into {database} failed and was undone: {reason}",
                hint="Make that database as the migrated one was made, with its extensions and its other schemas.",
            ) from error
    return Restored(night.run_id, database, dump.database, dump.rows, tuple(sorted(then.table for then in taken)))


def _require_empty(connection: Connection, dump: backup.Dump) -> None:
    database = connection.info.dbname
    if database == dump.database:
        raise Refused(
            f"{database} is the database that was dumped",
            hint="Name an empty one, or leave `--into` out to restore in place.",
        )
    rows = connection.execute(
        """
        select relname::text from pg_catalog.pg_class as classes
        where relnamespace in ('public'::regnamespace, to_regnamespace('migration'))
            and not exists (select from pg_catalog.pg_depend where objid = classes.oid and deptype = 'e')
        order by 1 limit 3
        """
    ).fetchall()
    if rows:
        raise Refused(
            f"database {database} is not empty: there is {', '.join(name for (name,) in rows)}",
            hint="Make a new one with `create database`, and name that.",
        )


def _fill(connection: Connection, night: Night, dump: backup.Dump) -> None:
    server = postgres.who_am_i(connection)
    program = tools.find("pg_restore", server_version=server.version)
    if program is None:
        raise UsageError("there is no pg_restore that fits this server", hint="`crm-migrate doctor` says which.")
    history.prepare(connection, night.catalog)  # where the window's notes go, until they are carried out
    extensions = {name for (name,) in connection.execute("select extname::text from pg_catalog.pg_extension")}
    schemas = {name for (name,) in connection.execute("select nspname::text from pg_catalog.pg_namespace")}
    lines = contents.lines_for(program, dump.path, schemas=schemas, extensions=extensions)
    with tempfile.TemporaryDirectory() as scratch:
        listed = Path(scratch) / "list"
        listed.write_text("".join(f"{line}\n" for line in lines))
        for section in ("pre-data", "data", "post-data"):
            night.emit(Event("step", "restore", section))
            _run(connection, program, dump, night.emit, server.version, f"--section={section}", f"--use-list={listed}")
    backup.hang_up_again(connection, dump)
    access.set_to(connection, dump.privileges)
    backup.close_as_then(connection, dump)
    window = ("--data-only", "--schema=migration", "--table=window_others")
    _run(connection, program, dump, night.emit, server.version, *window)


def _run(connection: Connection, program: Path, dump: backup.Dump, emit: Sink, version: int, *what: str) -> None:
    with contents.script(program, dump.path, *what) as lines:
        contents.run(connection, lines, old=version < 170_000, emit=emit)


def _open(connection: Connection) -> None:
    """Give the rights of before the window, and leave nothing of the migration behind."""
    connection.execute(_NOTED_BY_NAME)
    maintenance.open_(connection)
    connection.execute("drop view public.migration_status")
    connection.execute("drop table public.migration_history")
    for schema in ("migration_archive", "migration_backup", "migration"):
        connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))
