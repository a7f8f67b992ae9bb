"""Views of what was looked at one by one: every check, every column, and failing rows; each a table with controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crm_migrate.report import look
from crm_migrate.report.parts import Badge, Card, Heat, Table, Tile, View
from crm_migrate.report.saved import Facts, items

_BLOCKS = "▁▂▃▄▅▆▇█"
_NONE = "–"
_LONGEST = 30  # characters of a value
_TYPES = {"timestamp with time zone": "timestamptz", "timestamp without time zone": "timestamp"}
_TONES: dict[str, look.Tone] = {"blocker": "bad", "warning": "warn", "info": "info"}


def profile(document: Facts) -> View:
    """Every column: how full, how varied, from where to where, and what is most frequent in it."""
    tables = document.get("tables") or {}
    columns = [(table, name, facts) for table, named in tables.items() for name, facts in named.items()]
    empty = [facts for _, _, facts in columns if not facts["distinct"]]
    masked = sum(facts["masked"] for _, _, facts in columns)
    said = f"{len(empty):,} hold nothing at all" if empty else "none is empty"
    return View(
        "Columns",
        Badge("described", "quiet"),
        f"{look.plural(len(columns), 'column')} of {look.plural(len(tables), 'table')}; {said}. "
        f"Texts that may tell of a person are masked in {masked:,}.",
        cards=(
            Card("columns", f"{len(columns):,}"),
            Card("always filled", f"{sum(not facts['nulls'] for _, _, facts in columns):,}"),
            Card("empty", f"{len(empty):,}", "warn" if empty else "quiet"),
            Card("masked", f"{masked:,}"),
        ),
        tables=(
            Table(
                "Every column",
                ("table", "column", "type", "nulls", "distinct", "from … to", "spread", "most frequent, or shape"),
                tuple(_column(table, name, facts) for table, name, facts in columns),
                numbers=frozenset({3, 4}),
                filters=(0, 2),
            ),
        ),
    )


def completeness(document: Facts) -> View:
    """How much of each column is filled, table by table; columns that always are stand together."""
    tables = document.get("tables") or {}
    rows = document.get("rows") or {}
    shares = {
        (table, name): 1 - facts["nulls"] / rows[table]
        for table, named in tables.items()
        if rows.get(table)
        for name, facts in named.items()
    }
    full = sum(share == 1 for share in shares.values())
    empty = sum(share == 0 for share in shares.values())
    said = f"{full:,} of {look.plural(len(shares), 'column')} are filled in every row"
    if not shares:
        return View("Completeness", Badge("not yet", "quiet"), "No column has been looked at yet. 01_assess does it.")
    return View(
        "Completeness",
        Badge("described", "quiet"),
        f"{said}.",
        heat=Heat(
            f"{said}; {f'{empty:,} hold nothing' if empty else 'none is empty'}",
            "share of rows with a value, by column · source: profile.json, assessment.json",
            tuple(_filled(table, shares, tables[table]) for table in tables if rows.get(table)),
        ),
    )


def _filled(table: str, shares: Mapping[tuple[str, str], float], named: Facts) -> tuple[str, tuple[Tile, ...], str]:
    partly = sorted((name for name in named if shares[table, name] < 1), key=lambda name: shares[table, name])
    always = len(named) - len(partly)
    left_out = "" if not always else f"{look.plural(always, 'column')} always filled"
    tiles = tuple(Tile(name, shares[table, name], look.percent(shares[table, name])) for name in partly)
    return table, tiles, left_out


def checks(document: Facts) -> View:
    """Every check that was asked, with what it found."""
    asked = items(document.get("checks"))
    found = sum(bool(check["failing"]) for check in asked)
    return View(
        "Checks",
        Badge(f"{len(asked):,} asked", "quiet"),
        f"{look.plural(len(asked), 'check')} were asked; {found:,} found something.",
        tables=(
            Table(
                "Every check",
                ("severity", "table", "found", "check", "rows", "of", "why it matters, and what mends it"),
                tuple(
                    (
                        Badge(check["severity"], _TONES[check["severity"]]),
                        check["table"].removeprefix("public."),
                        "rows" if check["failing"] else "nothing",
                        check["check"],
                        f"{check['failing']:,}",
                        f"{check['total']:,}",
                        f"{check['why']}\n→ {check['fix']}",
                    )
                    for check in asked
                ),
                numbers=frozenset({4, 5}),
                filters=(0, 1, 2),
            ),
        ),
    )


def failing(rows: Sequence[Facts], total: int) -> View:
    """Failing rows by check and key; as many as a page can hold."""
    shown = "" if len(rows) == total else f"; {len(rows):,} are shown here, some of each check, worst first"
    return View(
        "Failing rows",
        Badge("none", "good") if not total else Badge(look.plural(total, "finding"), "quiet"),
        f"{look.plural(total, 'finding')} in all{shown}. All of them are in findings.parquet.",
        tables=(
            Table(
                "Failing rows",
                ("severity", "table", "check", "key", "what"),
                tuple(
                    (
                        Badge(row["severity"], _TONES[row["severity"]]),
                        row["table"].removeprefix("public."),
                        row["check"],
                        row["key"] or _NONE,
                        row["detail"] or _NONE,
                    )
                    for row in rows
                ),
                filters=(0, 1, 2),
            ),
        ),
    )


def _column(table: str, name: str, facts: Facts) -> tuple[str, ...]:
    return (
        table,
        name,
        str(_TYPES.get(facts["type"], facts["type"])),
        f"{facts['nulls']:,}",
        f"{facts['distinct']:,}",
        _NONE if facts["min"] is None else f"{_end(facts, 'min')}\n{_end(facts, 'max')}",
        _spread(facts),
        "\n".join(f"{_short(value)} ({rows:,})" for value, rows in (facts["shapes"] or facts["frequent"])[:3]) or _NONE,
    )


def _end(facts: Facts, end: str) -> str:
    """The smallest or largest value; of a moment the day, since its hour tells nothing here."""
    value = str(facts[end])
    is_moment = facts["type"].startswith("timestamp") and value[10:11] == " " and "BC" not in value
    return value[:10] if is_moment else _short(value).strip() or "(blank)"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _spread(facts: Facts) -> str:
    """A histogram as a line of blocks, and below it what it runs from and to."""
    lengths, histogram = facts["lengths"], facts["histogram"]
    if histogram is None:
        return _NONE
    bins = histogram["bins"]
    most = max(rows for _, rows in bins)
    blocks = "".join(_BLOCKS[min(7, rows * 8 // (most + 1))] for _, rows in bins)
    if lengths is not None:
        return f"{blocks}\n{lengths['min']:,} to {lengths['max']:,} {histogram['of']}, mean {lengths['mean']:,g}"
    first, last = bins[0][0], bins[-1][0]
    by = "" if histogram["of"] == "value" else f", by {histogram['of']}"
    return (
        f"{blocks}\n" + (first if first == last else f"{first.split(' to ')[0]} to {last.rsplit(' to ', 1)[-1]}") + by
    )
