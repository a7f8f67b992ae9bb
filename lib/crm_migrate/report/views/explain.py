"""View of one record followed through: before, what checks say, after."""

from __future__ import annotations

import json

from crm_migrate.report import look
from crm_migrate.report.parts import Badge, Card, Side, Table, View
from crm_migrate.report.saved import Facts, items

_NOTHING = "–"
_EMPTY: tuple[object, ...] = (None, "", [], {})
_LONGEST = 80  # characters of a value that stands on a side
_ROWS = 4  # that one model makes and that stand on a side; the tables have them all


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
        sides=(_before(document), _after(document)),
        tables=(*_findings(document), _record(document), *_made(document), *_referred(document)),
    )


def _before(document: Facts) -> tuple[Side, ...]:
    """The record as it is, without what is empty in it."""
    filled = {name: value for name, value in document["record"].items() if value not in _EMPTY}
    empty = len(document["record"]) - len(filled)
    fields = tuple((name, _short(value), False) for name, value in filled.items())
    rest = "" if not empty else f"{look.plural(empty, 'column')} without a value"
    return (Side(f"{document['table']} {document['key']}", fields, rest),)


def _after(document: Facts) -> tuple[Side, ...]:
    """The record with what is renamed and filled in it, and every row that is made of it."""
    renamed, record = document["renamed"], document["record"]
    made = items(document["made"])
    filled = {
        column: value
        for part in made
        if part["mode"] == "update"
        for row in part["rows"]
        for column, value in row.items()
        if column != "id" and value not in _EMPTY and record.get(column) != value
    }
    own = [(renamed[column], _short(record[column]), True) for column in renamed if record.get(column) not in _EMPTY]
    kept = sum(value not in _EMPTY and name not in {*renamed, *filled} for name, value in record.items())
    return (
        Side(
            f"{document['becomes']} {document['key']}",
            (*own, *((column, _short(value), True) for column, value in filled.items())),
            f"{look.plural(kept, 'column')} as before",
        ),
        *(
            Side(
                f"new in {part['target']}",
                tuple((column, _short(value), True) for column, value in row.items() if value not in _EMPTY),
            )
            for part in made
            if part["mode"] == "insert"
            for row in part["rows"][:_ROWS]
        ),
    )


def _short(value: object) -> str:
    text = said(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _record(document: Facts) -> Table:
    renamed = document["renamed"]
    return Table(
        f"What it is: {document['table']} {document['key']}" + (", names masked" if document["masked"] else ""),
        ("column", "value", "after the migration"),
        tuple(
            (column, said(value), f"renamed to {renamed[column]}" if column in renamed else "as it is")
            for column, value in document["record"].items()
        ),
        folded=True,
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
            folded=True,
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
