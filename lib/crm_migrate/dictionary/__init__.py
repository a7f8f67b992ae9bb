"""The data dictionary: what every table, view, column, enumeration, function and trigger of the target is (issue 3).

Made of the migrated database's own catalogue and comments, of `sql/meanings.toml` where the database has no comment of
its own, and of the models. It describes the schema and holds no row.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

from crm_migrate import files
from crm_migrate.catalog import Catalog
from crm_migrate.dictionary import catalogue, origins
from crm_migrate.dictionary.catalogue import FoundColumn, FoundRelation
from crm_migrate.dictionary.entries import (
    Column,
    Dictionary,
    Enumeration,
    Filling,
    Function,
    Origin,
    Relation,
    Trigger,
)
from crm_migrate.dictionary.origins import Origins
from crm_migrate.errors import NoSuchRun
from crm_migrate.postgres import Connection

__all__ = ["Dictionary", "load", "read", "save"]

FILE = "dictionary.json"


def read(connection: Connection, catalog: Catalog) -> Dictionary:
    """Describe a migrated database; reads its catalogue only.

    Args:
        connection: left in the transaction it is in.
    """
    found = catalogue.read(connection)
    known = origins.of(catalog)
    relations = tuple(_relation(relation, known) for relation in found.relations)
    functions = tuple(
        Function(
            function.name,
            function.arguments,
            function.returns,
            _said(function.comment) or known.meanings.of("functions", function.name),
            _made(known, "function", function.name, legacy=bool(known.meanings.of("functions", function.name))),
        )
        for function in found.functions
    )
    by_name = {function.name: function for function in functions}
    return Dictionary(
        database=connection.info.dbname,
        server_version=found.server_version,
        relations=_through_views(relations),
        enumerations=tuple(
            Enumeration(name, values, _said(comment), _made(known, "type", name, legacy=False))
            for name, values, comment in found.enumerations
        ),
        functions=functions,
        triggers=tuple(
            Trigger(
                trigger.table,
                trigger.name,
                trigger.fires,
                trigger.function,
                _said(trigger.comment) or (by_name[trigger.function].meaning if trigger.function in by_name else ""),
                by_name[trigger.function].origin if trigger.function in by_name else "customer",
            )
            for trigger in found.triggers
        ),
    )


def save(dictionary: Dictionary, folder: Path) -> None:
    """Write `dictionary.json`."""
    files.write_json(folder / FILE, asdict(dictionary))


def load(folder: Path) -> Dictionary:
    """Read `dictionary.json`.

    Raises:
        NoSuchRun: this run has not migrated a database yet.
    """
    try:
        return files.read_value(folder / FILE, Dictionary, hint="Run `crm-migrate dictionary` again.")
    except FileNotFoundError:
        raise NoSuchRun(
            f"run {folder.name} has no data dictionary", hint="It is made once the database is migrated."
        ) from None


def _said(comment: str) -> str:
    """A comment on one line, however it was broken into lines."""
    return " ".join(comment.split())


def _made(known: Origins, kind: str, name: str, *, legacy: bool) -> Origin:
    if legacy:
        return "legacy"
    return "new" if (kind, name) in known.created else "customer"


def _relation(found: FoundRelation, known: Origins) -> Relation:
    legacy = known.renamed.get(found.name, found.name)
    origin: Origin = "renamed" if found.name in known.renamed else _made(
        known, "relation", found.name, legacy=legacy in known.legacy
    )  # fmt: skip
    return Relation(
        name=found.name,
        kind=found.kind,
        meaning=_said(found.comment) or known.meanings.of(legacy) or known.meanings.of(found.name),
        origin=origin,
        source=legacy if origin == "renamed" else "",
        columns=tuple(_column(column, found, origin, known) for column in found.columns),
    )


def _column(found: FoundColumn, relation: FoundRelation, of_relation: Origin, known: Origins) -> Column:
    table = known.renamed.get(relation.name, relation.name)
    legacy = known.legacy_name(relation.name, found.name)
    filled = tuple(Filling(*filling) for filling in known.filled.get((relation.name, found.name), ()))
    added = ("column", f"{table}.{found.name}") in known.created
    origin: Origin
    source = ""
    if found.expression:
        origin, source = "computed", found.expression
    elif legacy is not None:
        origin, source = ("legacy", "") if legacy == found.name else ("renamed", f"{table}.{legacy}")
    elif found.generated:
        origin, source = "generated", found.generated
    elif filled:
        origin = "filled"
    elif of_relation == "customer" or (table in known.legacy and not added):
        origin = "customer"
    else:
        origin, source = ("default", found.default) if found.default else ("users", "")
    shipped = known.meanings.of(relation.name, found.name) if legacy is None else known.meanings.of(table, legacy)
    return Column(
        name=found.name,
        type=found.type,
        nullable=found.nullable,
        meaning=_said(found.comment) or shipped,
        origin=origin,
        source=source,
        filled_by=filled if origin == "filled" else (),
        references=found.references,
    )


def _through_views(relations: tuple[Relation, ...]) -> tuple[Relation, ...]:
    """Let a view's column that only shows another column mean what that one means, where nobody said otherwise."""
    meanings = {(relation.name, column.name): column.meaning for relation in relations for column in relation.columns}

    def told(relation: Relation, column: Column) -> Column:
        shown = column.source.rpartition(".") if column.origin == "computed" and not column.meaning else ("", "", "")
        return replace(column, meaning=meanings.get((shown[0], shown[2]), column.meaning))

    return tuple(
        replace(relation, columns=tuple(told(relation, column) for column in relation.columns))
        for relation in relations
    )
