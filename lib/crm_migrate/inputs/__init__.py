"""The analyst's CSV files and the shipped mappings: read strictly, held as values, put into schema `migration`.

What needs the data itself, such as an id that does not exist, is asked by the checks in `sql/checks/inputs/`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from crm_migrate import checklist, duck, postgres
from crm_migrate.errors import BadInputs
from crm_migrate.inputs import lines, rules
from crm_migrate.inputs.specs import LINE, OPTIONS, SPECS, Column, Spec, Value


@dataclass(frozen=True, slots=True)
class Table:
    """A table of schema `migration` with its rows, whose values stand in the order of `columns`."""

    name: str
    columns: tuple[Column, ...]
    primary_key: str
    rows: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything beside the source data that the migration reads.

    Attributes:
        tables: by name; a file that is absent gives an empty table.
        fingerprint: SHA-256 over the names and bytes of the analyst's files, mappings that override ours included. Our
            own mappings are in the fingerprint of `sql/`, the options in that of the settings.
        files: SHA-256 of each of the analyst's files; also of the checklist, which changes no row and is not in
            `fingerprint`.
    """

    tables: Mapping[str, Table]
    fingerprint: str
    files: Mapping[str, str]


def load(mappings: Path, folder: Path | None, *, options: Mapping[str, bool]) -> Inputs:
    """Read the shipped mappings and the analyst's files; a mapping in `folder` takes the place of the shipped one.

    Args:
        mappings: the catalogue's folder of that name.
        folder: the analyst's files, or None.
        options: rows of `migration.options`.

    Raises:
        BadInputs: lists every wrong line with file, line, column and reason.
    """
    problems: list[str] = []
    digest = hashlib.sha256()
    given = _given(folder, problems)
    tables: dict[str, Table] = {}
    for spec in SPECS:
        content = None
        if spec.file in given:
            content = given[spec.file].read_bytes()
            digest.update(f"{spec.file}\0{len(content)}\0".encode())
            digest.update(content)
        elif spec.shipped:
            content = (mappings / spec.file).read_bytes()
        found = [] if content is None else list(lines.read(spec, content, problems))
        problems += rules.contradictions(spec, found)
        tables[spec.name] = _table(spec, found)
    if problems:
        raise BadInputs(tuple(problems))
    hashes = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in given.items()}
    tables["options"] = Table("options", OPTIONS, "name", tuple(sorted(options.items())))
    return Inputs(tables, digest.hexdigest(), hashes)


def attach(session: duck.Session, inputs: Inputs) -> None:
    """Make `migration.<table>` for every table in a DuckDB session, in place of those that stand there."""
    for table in inputs.tables.values():
        name = duck.quoted(f"migration.{table.name}")
        session.execute(f"create or replace table {name} ({_definition(table)})")
        if table.rows:
            schema = {column.name: _polars_type(column.type) for column in table.columns}
            session.register("input_rows", pl.DataFrame(table.rows, schema=schema, orient="row"))
            session.execute(f"insert into {name} from input_rows")
            session.unregister("input_rows")


def store(connection: postgres.Connection, inputs: Inputs) -> None:
    """Make and fill `migration.<table>` for every table in PostgreSQL, in place of those that stand there.

    Schema `migration` exists already. Nothing is committed here.
    """
    for table in inputs.tables.values():
        name = duck.quoted(f"migration.{table.name}")
        connection.execute(f"drop table if exists {name}".encode())
        connection.execute(f"create table {name} ({_definition(table)})".encode())
        with connection.cursor() as cursor, cursor.copy(f"copy {name} from stdin".encode()) as copy:
            for row in table.rows:
                copy.write_row(row)


def _given(folder: Path | None, problems: list[str]) -> dict[str, Path]:
    """The analyst's files by name; hidden ones are somebody else's."""
    if folder is None:
        return {}
    if not folder.is_dir():
        problems.append(f"{folder}: there is no such folder")
        return {}
    known = [*(spec.file for spec in SPECS), checklist.FILE]
    found = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    problems += [
        f"{path.name}: not a file"
        if path.name in known
        else f"{path.name}: not a file that is read; those are {', '.join(known)}"
        for path in found
        if path.name not in known or not path.is_file()
    ]
    return {path.name: path for path in found if path.name in known and path.is_file()}


def _table(spec: Spec, found: Sequence[lines.Line]) -> Table:
    names = [column.name for column in spec.columns]
    values = [rules.with_roles(line.values) if spec.name == "organizations" else line.values for line in found]
    rows = [tuple(row.get(name) for name in names) for row in values]
    if spec.shipped:
        return Table(spec.name, spec.columns, spec.unique[0], tuple(rows))
    numbered = tuple((line.number, *row) for line, row in zip(found, rows, strict=True))
    return Table(spec.name, (LINE, *spec.columns), LINE.name, numbered)


def _definition(table: Table) -> str:
    """The columns of a table, in words that both engines understand."""
    columns = [
        f"{duck.quoted(column.name)} {column.type}{' not null' if column.required else ''}" for column in table.columns
    ]
    return ", ".join([*columns, f"primary key ({duck.quoted(table.primary_key)})"])


def _polars_type(kind: str) -> pl.DataType:
    if (size := lines.decimals(kind)) is not None:
        return pl.Decimal(*size)
    return {
        "smallint": pl.Int16(),
        "integer": pl.Int32(),
        "bigint": pl.Int64(),
        "text": pl.String(),
        "boolean": pl.Boolean(),
        "date": pl.Date(),
    }[kind]
