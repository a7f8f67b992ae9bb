"""View of the data dictionary: a section a relation, then enumerations, functions and triggers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from crm_migrate.report import look
from crm_migrate.report.parts import Badge, Card, Table, View
from crm_migrate.report.saved import Facts, items

_ORIGINS: Mapping[str, Badge] = {
    "legacy": Badge("as it was", "quiet"),
    "renamed": Badge("renamed", "info"),
    "filled": Badge("filled", "good"),
    "generated": Badge("generated", "info"),
    "default": Badge("default", "info"),
    "users": Badge("empty at first", "quiet"),
    "computed": Badge("computed", "info"),
    "new": Badge("new", "good"),
    "customer": Badge("your own", "warn"),
}
LEGEND = (
    ("as it was", "a column, table or view of Atomic CRM; neither its name nor its values were changed"),
    ("renamed", "as it was, under another name"),
    ("filled", "new, and filled by the model that is named, with its expression"),
    ("generated", "numbered or computed by the database"),
    ("default", "new; holds its default until a user or a rule writes it"),
    ("empty at first", "new and empty; written only by users, and by the rules that act when they write"),
    ("computed", "what a view shows"),
    ("new", "made by the migration"),
    ("your own", "was added to the CRM by its owner; the migration left it alone"),
)


@dataclass(frozen=True, slots=True)
class Section:
    """One relation: where a link finds it, what it is, and its columns."""

    anchor: str
    name: str
    kind: str
    badge: Badge
    meaning: str
    table: Table


def dictionary(document: Facts) -> View:
    """How much there is, and how much of it is new."""
    relations = items(document.get("relations"))
    columns = [column for relation in relations for column in items(relation["columns"])]
    filled = sum(column["origin"] == "filled" for column in columns)
    own = sum(thing["origin"] == "customer" for thing in (*relations, *columns))
    return View(
        "Data dictionary",
        Badge("described", "good"),
        f"What {look.plural(len(relations), 'table and view', 'tables and views')} of database "
        f"{document.get('database')} hold, and where it came from.",
        cards=(
            Card("tables", f"{sum('view' not in relation['kind'] for relation in relations):,}"),
            Card("views", f"{sum('view' in relation['kind'] for relation in relations):,}"),
            Card("columns", f"{len(columns):,}"),
            Card("filled by the migration", f"{filled:,}"),
            Card("your own", f"{own:,}"),
        ),
        tables=(
            Table(
                "Enumerations",
                ("name", "where from", "values, in order", "meaning"),
                tuple(
                    (kind["name"], _ORIGINS[kind["origin"]], ", ".join(kind["values"]), kind["meaning"] or "–")
                    for kind in items(document.get("enumerations"))
                ),
            ),
            Table(
                "Functions",
                ("name", "where from", "arguments", "result", "meaning"),
                tuple(
                    (
                        function["name"],
                        _ORIGINS[function["origin"]],
                        function["arguments"].replace(", ", ",\n") or "–",
                        function["returns"] or "–",
                        function["meaning"] or "–",
                    )
                    for function in items(document.get("functions"))
                ),
            ),
            Table(
                "Triggers",
                ("table", "name", "where from", "when", "function", "meaning"),
                tuple(
                    (
                        trigger["table"],
                        trigger["name"],
                        _ORIGINS[trigger["origin"]],
                        trigger["fires"],
                        trigger["function"],
                        trigger["meaning"] or "–",
                    )
                    for trigger in items(document.get("triggers"))
                ),
            ),
        ),
    )


def sections(document: Facts) -> tuple[Section, ...]:
    """A section a relation, in order of names."""
    return tuple(
        Section(
            anchor=f"relation-{number}",
            name=relation["name"],
            kind=relation["kind"],
            badge=_ORIGINS[relation["origin"]],
            meaning=" ".join(_said_of(relation)),
            table=Table(
                f"Columns of {relation['name']}",
                ("column", "type", "meaning", "where from", "how"),
                tuple(_row(column) for column in items(relation["columns"])),
            ),
        )
        for number, relation in enumerate(items(document.get("relations")), start=1)
    )


def _said_of(relation: Facts) -> Iterator[str]:
    if relation["source"]:
        yield f"Was called {relation['source']}."
    yield relation["meaning"] or "Nobody has said what it is."


def _row(column: Facts) -> tuple[str | Badge, ...]:
    required = "" if column["nullable"] else "\nrequired"
    refers = f"\n→ {column['references']}" if column["references"] else ""
    how = "\n".join(f"{filling['model']}: {filling['expression']}" for filling in items(column["filled_by"]))
    return (
        column["name"],
        f"{column['type']}{required}{refers}",
        column["meaning"] or "–",
        _ORIGINS[column["origin"]],
        how or column["source"] or "–",
    )
