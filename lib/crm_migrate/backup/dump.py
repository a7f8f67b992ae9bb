"""`pg_dump` of the database, verified, with what a restore has to know beside it (C2).

Beside `<database>.dump` lies `<database>.dump.json`: size, SHA-256, and schema, privileges and window as they were.
A dump without that file is none: it was broken off.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from psycopg import IsolationLevel, sql

from crm_migrate import access, files, postgres, schema, tools
from crm_migrate.access import Privilege
from crm_migrate.backup import outside, trial
from crm_migrate.errors import Refused, Stopped, UsageError
from crm_migrate.events import Event, Sink
from crm_migrate.postgres import Connection

_STATE = ("migration_backup",)  # its copies are no part of the source, and would grow the dump with each run
_WHY = re.compile(
    r"^pg_dump: (?:error|detail): (?:Error message from server: )?(?P<why>(?!(?:Command|Query) was).+?)\s*$"
)
_SAID = re.compile(r'dumping contents of table "?(?P<table>[^"]+?)"?$')


@dataclass(frozen=True, slots=True)
class Dump:
    """A verified dump.

    Attributes:
        schemas_left_out: schemas that this role could not read in full.
        document: the schema of public, one definition an object.
        privileges: who might do what when the dump was made; in a closed window, without what had been taken away.
        window: what had been taken away: relation, column, grantee, grantor (None: the owner), privilege, grantable.
        outside: statements that make what lies outside schema public and hangs on it, by name.
        rows: of each source table, as they were counted and as the trial restore found them.
    """

    path: Path
    database: str
    server_version: int
    bytes: int
    sha256: str
    schemas_left_out: tuple[str, ...]
    document: dict[str, str]
    privileges: frozenset[Privilege]
    window: tuple[tuple[str, str, str | None, str | None, str, bool], ...]
    outside: dict[str, str]
    rows: dict[str, int]


def dump(url: str, folder: Path, *, emit: Sink) -> Dump:
    """Dump every schema that this role can read in full, and restore its rows for trial.

    What is noted beside the dump and counted is of the very snapshot that is dumped. The password goes through the
    environment. An older dump in the folder is replaced only by a verified one.

    Raises:
        Refused: schema public itself cannot be read in full.
        Stopped: pg_dump or pg_restore failed, the disk is full above all, or the dump lacks rows; no half of a dump is
            left.
        UsageError: pg_dump or pg_restore is missing.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # it holds personal data
    with postgres.connect(url, purpose="dump") as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        server = postgres.who_am_i(connection)
        connection.execute("set local idle_in_transaction_session_timeout = 0")  # pg_dump works meanwhile
        left_out = _unreadable(connection)
        if "public" in left_out:
            raise Refused(
                f"role {server.role} cannot read all of schema public", hint="Connect as the owner of the tables."
            )
        facts: dict[str, Any] = {
            "database": server.database,
            "server_version": server.version,
            "schemas_left_out": left_out,
            "document": schema.describe(connection),
            "privileges": access.privileges(connection),
            "window": _window(connection),
            "outside": {thing.name: thing.statement for thing in outside.hanging(connection) if thing.statement},
            "rows": {table: _count(connection, table) for table in postgres.SOURCE_TABLES},
        }
        if left_out:
            names = ", ".join(left_out)
            emit(Event("warning", "dump", f"not in the dump, for this role cannot read them in full: {names}"))
        path = folder / f"{server.database}.dump"
        temporary = folder / f".{path.name}.part"
        try:
            _pg_dump(url, server.version, temporary, (*left_out, *_STATE), _snapshot(connection), emit)
            _check(server.version, temporary, facts["rows"])
            made = Dump(path=path, bytes=temporary.stat().st_size, sha256=files.sha256(temporary), **facts)
            _facts_file(path).unlink(missing_ok=True)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    privileges = [asdict(privilege) for privilege in sorted(made.privileges)]
    document = asdict(made) | {"path": path.name, "privileges": privileges}
    try:
        files.write_json(_facts_file(path), document)
    except OSError:
        path.unlink()
        raise
    counted = f"{sum(made.rows.values()):,} rows restored for trial"
    emit(Event("note", "dump", f"{made.bytes / 1e6:,.1f} MB dumped and verified, {counted}: {path}"))
    return made


def load(path: Path) -> Dump:
    """Open a dump that `dump` made, and check that it is still the same.

    Raises:
        UsageError: it is not there, was broken off, or differs from what was written.
    """
    try:
        facts = files.read_json(_facts_file(path))
        found = Dump(
            **facts
            | {
                "path": path,
                "schemas_left_out": tuple(facts["schemas_left_out"]),
                "privileges": frozenset(Privilege(**entry) for entry in facts["privileges"]),
                "window": tuple(tuple(entry) for entry in facts["window"]),
            }
        )
        digest = files.sha256(path)
    except (FileNotFoundError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} is no finished dump",
            hint="Bring it back from a copy. `crm-migrate rollback` without --restore needs none.",
        ) from error
    if digest != found.sha256:
        raise UsageError(
            f"{path} is not the file that was dumped: its SHA-256 differs", hint="Bring back the original."
        )
    return found


def _facts_file(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _count(connection: Connection, table: str) -> int:
    row = connection.execute(sql.SQL("select count(*) from {}").format(sql.Identifier("public", table))).fetchone()
    assert row is not None
    return int(row[0])


def _snapshot(connection: Connection) -> str:
    row = connection.execute("select pg_export_snapshot()").fetchone()
    assert row is not None
    return str(row[0])


def _pg_dump(url: str, version: int, file: Path, left_out: tuple[str, ...], snapshot_id: str, emit: Sink) -> None:
    arguments, environment = tools.session_of(url)
    quoted = ['"' + name.replace('"', '""') + '"' for name in left_out]
    command = [
        *(str(_tool("pg_dump", version)), "--format=custom", "--compress=1", "-B"),  # no large objects
        *("--verbose", "--no-password", "--lock-wait-timeout=60000"),
        *(f"--snapshot={snapshot_id}", f"--file={file}"),
        *(f"--exclude-schema={name}" for name in quoted),
        *arguments,
    ]
    reason: list[str] = []
    with subprocess.Popen(
        command, env=environment | {"LC_ALL": "C"}, stderr=subprocess.PIPE, text=True, errors="replace"
    ) as program:
        assert program.stderr is not None
        for line in program.stderr:
            if (said := _SAID.search(line)) is not None:
                emit(Event("progress", "dump", f"dumping {said['table']}"))
            elif (why := _WHY.search(line)) is not None:
                reason.append(why["why"])
    if program.returncode:
        free = shutil.disk_usage(file.parent).free
        raise Stopped(
            f"pg_dump failed: {'; '.join(reason) or f'it ended with {program.returncode}'}",
            hint="Nothing was changed. Mend the cause, then run the same command again. If it is the disk: "
            f"{free / 1e9:,.1f} GB are free where the dump goes; CRM_MIGRATE_WORKSPACE may name a larger one.",
        )


def _check(version: int, file: Path, counted: dict[str, int]) -> None:
    """The archive can be listed and read to its end, and holds every row that was counted in the source's tables."""
    program = _tool("pg_restore", version)
    done = subprocess.run([program, "--list", file], capture_output=True, text=True, errors="replace")
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Stopped(f"the dump cannot be read back: {reason}", hint=trial.TRY_AGAIN)
    trial.require(program, file, counted)


def _tool(name: str, version: int) -> Path:
    found = tools.find(name, server_version=version)
    if found is None:
        raise UsageError(
            f"there is no {name} of version {version // 10_000} or later",
            hint=f"Install the PostgreSQL {version // 10_000} client programs.",
        )
    return found


def _unreadable(connection: Connection) -> tuple[str, ...]:
    """Schemas with a relation that pg_dump could not read in full as this role."""
    rows = connection.execute(
        """
        select distinct namespaces.nspname::text
        from pg_catalog.pg_namespace as namespaces
        left join pg_catalog.pg_class as classes
            on classes.relnamespace = namespaces.oid and classes.relkind in ('r', 'p', 'S', 'm')
            and not exists (select from pg_catalog.pg_depend where objid = classes.oid and deptype = 'e')
        where namespaces.nspname !~ '^pg_' and namespaces.nspname not in ('information_schema', 'migration_backup')
            and (
                not has_schema_privilege(namespaces.oid, 'usage')
                or case
                    when classes.relkind = 'S' then not has_sequence_privilege(classes.oid, 'select')
                    else not has_table_privilege(classes.oid, 'select') or row_security_active(classes.oid)
                end
            )
        order by 1
        """
    )
    return tuple(name for (name,) in rows)


def _window(connection: Connection) -> tuple[tuple[Any, ...], ...]:
    row = connection.execute("select to_regclass('migration.window_grants') is not null").fetchone()
    if not (row and row[0]):
        return ()
    rows = connection.execute(
        """
        select grants.relation_name, grants.column_name,
            case when grants.grantee <> 0 then pg_get_userbyid(grants.grantee)::text end,
            case when not grants.by_owner then pg_get_userbyid(grants.grantor)::text end,
            grants.privilege, grants.grantable
        from migration.window_grants as grants
        order by 1, 2, 3, 4, 5
        """
    )
    return tuple(rows)
