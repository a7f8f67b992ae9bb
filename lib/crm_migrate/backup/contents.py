"""What a dump holds, as SQL that is run in a transaction of our own: with the data, and all of it or nothing."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from crm_migrate.errors import UsageError
from crm_migrate.events import Event, Sink
from crm_migrate.postgres import Connection

# `215; 1259 16444 TABLE public contacts crm_owner`: number, catalogue and oid when dumped, kind, schema, name
_ENTRY = re.compile(r"^\d+; (?P<catalog>\d+) (?P<oid>\d+) (?P<kind>[A-Z]+(?: [A-Z]+)*) (?P<schema>\S+) (?P<name>.*)$")
_STATE = frozenset({"migration", "migration_archive", "migration_backup"})
_COPY = re.compile(rb"COPY (.+?) \(")
_CHUNK = 1 << 18
_UNREADABLE = "Nothing was changed; bring back the original file, then try again."
_HEADER_LINES = 60


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the archive's list; `catalog` is 0 where the object has no oid of its own."""

    line: str
    catalog: int
    oid: int


def entries(program: Path, dump: Path) -> tuple[Entry, ...]:
    """What the dump holds of schema public, without access lists and the migration's own history."""
    return tuple(
        Entry(found[0], int(found["catalog"]), int(found["oid"]))
        for found in _found(program, dump)
        if found["schema"] == "public" and _is_source(found)
    )


def lines_for(program: Path, dump: Path, *, schemas: set[str], extensions: set[str]) -> tuple[str, ...]:
    """The lines of the list that an empty database needs: of public as above, of others with their access lists.

    Args:
        schemas, extensions: those that are there already; nothing of them is made.
    """
    there = {*schemas, *_STATE}
    return tuple(found[0] for found in _found(program, dump) if _is_missing(found, there, extensions))


def _is_missing(found: re.Match[str], schemas: set[str], extensions: set[str]) -> bool:
    kind, schema, name = found["kind"], found["schema"], found["name"]
    if schema == "public":
        return _is_source(found)
    if schema != "-":
        return schema not in schemas and kind != "DEFAULT ACL"
    if kind == "EXTENSION":
        return name.split()[0] not in extensions
    of = name.removeprefix("SCHEMA ").split()[0]
    return (kind == "SCHEMA" or (kind == "ACL" and name.startswith("SCHEMA "))) and of not in {*schemas, "public"}


def _is_source(found: re.Match[str]) -> bool:
    return found["kind"] not in ("ACL", "DEFAULT ACL") and not re.search(
        r"\bmigration_(history|status)\b", found["name"]
    )


def _found(program: Path, dump: Path) -> Iterator[re.Match[str]]:
    done = subprocess.run([program, "--list", dump], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UsageError(f"the dump cannot be read: {_last(done.stderr)}", hint=_UNREADABLE)
    return (found for line in done.stdout.splitlines() if (found := _ENTRY.match(line)) is not None)


@contextmanager
def script(program: Path, dump: Path, *what: str) -> Iterator[IO[bytes]]:
    """The SQL of a part of the dump, line by line; fails if pg_restore does, even at its end."""
    command: list[str | Path] = [program, *what, "--file=-", dump]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said) as running,
    ):
        assert running.stdout is not None
        try:
            yield running.stdout
        except BaseException:
            running.kill()
            raise
        if running.wait():
            said.seek(0)
            raise UsageError(
                f"the dump cannot be read: {_last(said.read().decode(errors='replace'))}", hint=_UNREADABLE
            )


def run(connection: Connection, lines: IO[bytes], *, old: bool, emit: Sink) -> None:
    """Run a script of pg_restore: statements in one go, the rows of each COPY as a stream.

    Args:
        old: the server is older than 17 and does not know transaction_timeout.
    """
    statements: list[bytes] = []
    key = b""
    for number, line in enumerate(lines):
        if line.startswith(b"\\restrict "):  # a safeguard of psql's
            key = line.split()[1]
        elif key and line.strip() == b"\\unrestrict " + key:
            key = b""
        elif old and number < _HEADER_LINES and line.startswith(b"SET transaction_timeout"):
            continue
        elif (table := _COPY.match(line)) and line.rstrip().endswith(b" FROM stdin;"):
            _execute(connection, statements)
            emit(Event("progress", "restore", f"rows of {table[1].decode(errors='replace')}"))
            _copy(connection, line, lines)
        else:
            statements.append(line)
    _execute(connection, statements)


def _execute(connection: Connection, statements: list[bytes]) -> None:
    text = b"".join(statements)
    statements.clear()
    if text.strip():
        connection.execute(text)


def _copy(connection: Connection, statement: bytes, lines: IO[bytes]) -> None:
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        chunk = bytearray()
        for line in lines:
            if line == b"\\.\n":
                break
            chunk += line
            if len(chunk) > _CHUNK:
                copy.write(bytes(chunk))
                chunk.clear()
        copy.write(bytes(chunk))


def _last(said: str) -> str:
    return (said.strip().splitlines() or ["no reason given"])[-1]
