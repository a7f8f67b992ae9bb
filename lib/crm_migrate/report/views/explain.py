"""View of one record followed through: before, what checks say, after."""

from __future__ import annotations

import json

from crm_migrate.report import look
from crm_migrate.report.parts import Badge, Card, Table, View
from crm_migrate.report.saved import Facts, items

_NOTHING = "–"


def explanation(document: Facts) -> View:
    """What a record is, what it becomes in every table, and what would be refused."""
    made, refused = items(document["made"]), items(document["refused"])
    rows = sum(len(part["rows"]) for part in made if part["mode"] == "insert")
    filled = [part["rows"][0] for part in made if part["mode"] == "update"]
    name = f"{document['table']} {document['key']}"
    parts = [f"{name} stays" if document["becomes"] == document["table"] else f"{name} stands in {document['becomes']}"]
    parts += [f"gets {look.plural(len(filled[0]) - 1, 'column')} filled"] if filled else []
    parts += [f"makes {look.plural(rows, 'new row')}"] if rows else []
    verdict = f"{look.plural(len(refused), 'rule')} would refuse it" if refused else "nothing is refused"
    return View(
        name,
        Badge("refused in part", "warn") if refused else Badge("accepted", "good"),
        f"{', '.join(parts)}; {verdict}.",
        reasons=tuple(
            f"{part['target']}: {part['reason']}{' (found only after the load)' if part['late'] else ''}"
            for part in refused
        ),
        cards=(
            Card("findings", f"{len(items(document['findings'])):,}"),
            Card("new rows", f"{rows:,}"),
            Card("rows of others that point to it", f"{sum(part['rows'] for part in items(document['referred'])):,}"),
        ),
        tables=(_record(document), *_findings(document), *_made(document), *_referred(document)),
    )


def _record(document: Facts) -> Table:
    renamed = document["renamed"]
    return Table(
        f"What it is: {document['table']} {document['key']}" + (", names masked" if document["masked"] else ""),
        ("column", "value", "after the migration"),
        tuple(
            (column, said(value), f"renamed to {renamed[column]}" if column in renamed else "as it is")
            for column, value in document["record"].items()
        ),
    )


def _findings(document: Facts) -> tuple[Table, ...]:
    tones = {"blocker": "bad", "warning": "warn", "info": "info"}
    rows = tuple(
        (
            Badge(found["severity"], tones[found["severity"]]),  # type: ignore[arg-type]
            found["check"],
            found["detail"],
            f"{found['why']}\n→ {found['fix']}",
        )
        for found in items(document["findings"])
    )
    heads = ("severity", "check", "what", "why it matters, and what mends it")
    return (Table("Which checks find it", heads, rows),)


def _made(document: Facts) -> tuple[Table, ...]:
    return tuple(
        Table(
            f"{'What is filled in' if part['mode'] == 'update' else 'A row of'} {part['target']}, by {part['model']}",
            ("column", "value", "from"),
            tuple((column, said(value), part["how"][column]) for column, value in row.items()),
        )
        for part in items(document["made"])
        for row in part["rows"]
    )


def _referred(document: Facts) -> tuple[Table, ...]:
    rows = tuple((part["target"], part["column"], f"{part['rows']:,}") for part in items(document["referred"]))
    return (Table("Rows of other records that will point to it", ("table", "column", "rows"), rows, frozenset({2})),)


def said(value: object) -> str:
    """A value of a record as a person reads it."""
    match value:
        case None:
            return _NOTHING
        case str():
            return value
    return json.dumps(value, ensure_ascii=False)
