"""Views of the snapshot and of the assessment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crm_migrate.report import look
from crm_migrate.report.look import Tone
from crm_migrate.report.parts import Badge, Card, Table, View
from crm_migrate.report.saved import Facts, items, warning_limit
from crm_migrate.report.views.base import clock

_WORST = 12  # checks that the view of the assessment shows
_ORDER = {"blocker": 0, "warning": 1, "info": 2}


def snapshot(document: Facts) -> View:
    """The source at one moment."""
    rows: Mapping[str, int] = document.get("rows") or {}
    return View(
        "Snapshot",
        Badge("taken", "good"),
        f"{sum(rows.values()):,} rows of {look.plural(len(rows), 'table')}, as they were at "
        f"{clock(document.get('taken_at'))}.",
        cards=(
            Card("rows", f"{sum(rows.values()):,}"),
            Card("tables", f"{len(rows):,}"),
            Card("server", f"PostgreSQL {document.get('server_version', '–')}"),
        ),
        tables=(_counts(rows),),
    )


def assessment(document: Facts) -> View:
    """The state of the data: what is in the way, and what it is worth knowing."""
    checks = items(document.get("checks"))
    found = [check for check in checks if check["failing"]]
    passed = [check for check in checks if not check["failing"]]
    blockers = [check for check in found if check["severity"] == "blocker"]
    grave = [check for check in found if check["severity"] != "info"]
    ratio, limit = float(document.get("warning_ratio") or 0.0), warning_limit()
    blocked, over = bool(document.get("blocker_rows")), ratio >= limit
    if blocked:
        badge = Badge("blocked", "bad")
        sentence = f"{look.plural(document['blocker_rows'], 'row')} would break the migration and must be mended first."
    elif over:
        badge = Badge("too many warnings", "bad")
        sentence = f"{look.percent(ratio)} of the records have a warning; from {look.percent(limit)} on it is NO-GO."
    else:
        badge = Badge("no blocker", "good")
        share = f"{look.percent(ratio)} of the records have" if ratio else "no record has"
        sentence = f"Nothing stands in the way; {share} a warning."
    return View(
        "Assessment",
        badge,
        sentence,
        reasons=tuple(
            f"{_checked(check)}: {look.plural(check['failing'], 'row')}. {check['why']}" for check in blockers
        ),
        cards=(
            Card("records checked", f"{document.get('records', 0):,}"),
            Card("blocker rows", f"{document.get('blocker_rows', 0):,}", "bad" if blocked else "good"),
            Card("with a warning", f"{document.get('warning_rows', 0):,}", "warn" if ratio else "good"),
            Card("warning ratio", look.percent(ratio), "bad" if over else "quiet"),
            Card("quality score", _score(document.get("score"))),
            Card("checks passed", f"{len(passed)} of {len(checks)}"),
        ),
        tables=(
            _scores(document.get("tables") or {}),
            _findings(grave),
        ),
    )


def _scores(tables: Mapping[str, Facts]) -> Table:
    return Table(
        "Quality by table. The score is 100 times the share of rows without warning and blocker, to the power of ten; "
        "49 at most where there is a blocker",
        ("table", "records", "with a warning", "ratio", "with a blocker", "score"),
        tuple(
            (
                name,
                f"{facts['records']:,}",
                f"{facts['warning_rows']:,}",
                look.percent(facts["warning_ratio"]),
                f"{facts['blocker_rows']:,}",
                f"{facts['score']}",
            )
            for name, facts in sorted(tables.items(), key=lambda table: (table[1]["score"], table[0]))
        ),
        numbers=frozenset({1, 2, 3, 4, 5}),
        folded=True,
    )


def _findings(checks: Sequence[Facts]) -> Table:
    left_out = len(checks) - _WORST
    return Table(
        "Blockers and warnings, worst first"
        + (f": {_WORST} of {len(checks)}; all of them stand in the table of every check" if left_out > 0 else ""),
        ("severity", "check", "rows", "of", "why it matters, and what mends it"),
        tuple(
            (
                Badge(check["severity"], _severity_tone(check["severity"])),
                _checked(check),
                f"{check['failing']:,}",
                f"{check['total']:,}",
                f"{check['why']}\n→ {check['fix']}",
            )
            for check in _worst_first(checks)[:_WORST]
        ),
        numbers=frozenset({2, 3}),
    )


def _checked(check: Facts) -> str:
    """The name of a check, with its table where the name does not tell it."""
    table = check["table"].removeprefix("public.")
    return check["check"] if check["check"].startswith(f"{table}.") else f"{check['check']} ({table})"


def _counts(rows: Mapping[str, int]) -> Table:
    return Table(
        "Rows by table",
        ("table", "rows"),
        tuple((table.removeprefix("public."), f"{count:,}") for table, count in rows.items()),
        numbers=frozenset({1}),
    )


def _worst_first(checks: Sequence[Facts]) -> list[Facts]:
    return sorted(checks, key=lambda check: (_ORDER.get(check["severity"], 9), -check["failing"], check["check"]))


def _severity_tone(severity: str) -> Tone:
    tones: dict[str, Tone] = {"blocker": "bad", "warning": "warn", "info": "info"}
    return tones.get(severity, "quiet")


def _score(score: object) -> str:
    return f"{score:.0f} of 100" if isinstance(score, int | float) else "–"
