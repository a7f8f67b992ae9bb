"""View of the use of the old names: who still comes by them, and how often."""

from __future__ import annotations

from datetime import UTC, date

from crm_migrate.report import look
from crm_migrate.report.parts import Badge, Card, Table, View
from crm_migrate.report.saved import Facts, items, moment
from crm_migrate.report.views.base import clock
from crm_migrate.usage import CURVE_DAYS, QUIET_DAYS, curve


def usage(document: Facts) -> View:
    """Whether the old names may go, and each reader's curve."""
    names = " and ".join(document.get("relations") or ())
    seen, uses = moment(document.get("at")), items(document.get("uses"))
    if not names:
        return View("Use of the old names", Badge("gone", "quiet"), "Nothing answers under the old names any more.")
    last = seen.astimezone(UTC).date() if seen is not None else date.min
    late = [
        use for use in uses if seen is not None and (at := moment(use["last_at"])) and (seen - at).days < QUIET_DAYS
    ]
    return View(
        "Use of the old names",
        Badge("in use", "warn") if late else Badge("quiet", "good"),
        f"{look.plural(len(late), 'reader')} used {names} in the last {QUIET_DAYS} days."
        if late
        else f"Nobody used {names} in the last {QUIET_DAYS} days.",
        cards=(
            Card("counted since", clock(document.get("counted_since"))),
            Card("looked last", clock(document.get("at"))),
        ),
        tables=(
            Table(
                f"Each reader's {CURVE_DAYS} days to {last}, a mark a day",
                ("old name", "role", "application", "what", "count", "curve", "last"),
                tuple(
                    (
                        use["relation"],
                        use["role"] or "other roles",
                        use["application"] or "–",
                        "statements" if use["source"] == "counter" else "sessions seen",
                        f"{sum(count for _day, count in use['days']):,}",
                        curve({date.fromisoformat(day): count for day, count in use["days"]}, last),
                        clock(use["last_at"]),
                    )
                    for use in uses
                ),
                numbers=frozenset({4}),
            ),
        )
        if uses
        else (),
    )
