"""Views of the dry run and of the decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crm_migrate.report import look
from crm_migrate.report.parts import Badge, Card, Table, View
from crm_migrate.report.saved import Facts, items
from crm_migrate.report.views.base import clock, yes


def simulation(document: Facts) -> View:
    """What the migration will make, set aside and need."""
    models = items(document.get("models"))
    rejects = sum(model["rejects"] for model in models)
    new = sum((document.get("new_entities") or {}).values())
    notices = items(document.get("notices"))
    estimate: Mapping[str, Any] = document.get("estimate") or {}
    return View(
        "Dry run",
        _badge(notices, rejects),
        f"{new:,} new rows are predicted; "
        + (f"{look.plural(rejects, 'row')} would be set aside." if rejects else "the target accepts every one."),
        cards=(
            Card("new rows", f"{new:,}"),
            Card("rejects", f"{rejects:,}", "warn" if rejects else "good"),
            Card("objects to look at", f"{len(notices):,}", _tone(notices)),
            Card("time needed", look.duration(estimate.get("seconds"))),
            Card("database grows by", look.size(estimate.get("disk_bytes"))),
            Card("memory needed", look.size(estimate.get("memory_bytes"))),
        ),
        tables=(
            Table(
                "What each model makes",
                ("model", "target", "does", "source rows", "rows", "rejects"),
                tuple(
                    (
                        model["model"],
                        model["target"].removeprefix("public."),
                        "adds" if model["mode"] == "insert" else "fills",
                        f"{model['source_rows']:,}",
                        f"{model['rows']:,}",
                        f"{model['rejects']:,}",
                    )
                    for model in models
                ),
                numbers=frozenset({3, 4, 5}),
            ),
            _refusals(items(document.get("refusals"))),
            _entities(items((document.get("relationships") or {}).get("entities"))),
            Table(
                "Objects of your own that need a hand",
                ("severity", "object", "line", "what", "what to do"),
                tuple(
                    (
                        Badge(notice["severity"], "bad" if notice["severity"] == "blocker" else "warn"),
                        notice["object"],
                        "" if notice["line"] is None else str(notice["line"]),
                        notice["reason"],
                        notice["fix"],
                    )
                    for notice in notices
                ),
                numbers=frozenset({2}),
            ),
        ),
    )


def _refusals(refusals: Sequence[Facts]) -> Table:
    return Table(
        "Rules that predicted rows would break",
        ("when", "made by", "kind", "what is wrong", "rows"),
        tuple(
            (
                Badge("stops the run", "bad") if refusal["late"] else Badge("set aside", "warn"),
                refusal["model"],
                refusal["kind"].replace("_", " "),
                f"{refusal['reason']}\n{refusal['rule']}",
                f"{refusal['rows']:,}",
            )
            for refusal in refusals
        ),
        numbers=frozenset({4}),
    )


def _entities(rows: Sequence[Any]) -> Table:
    return Table(
        "What there will be of each type",
        ("table", "type", "rows"),
        tuple((str(target), str(kind), f"{number:,}") for target, kind, number in rows),
        numbers=frozenset({2}),
        folded=True,
    )


def _badge(notices: Sequence[Facts], rejects: int) -> Badge:
    if _tone(notices) == "bad":
        return Badge("blockers", "bad")
    return Badge("rejects", "warn") if rejects else Badge("no rejects", "good")


def _tone(notices: Sequence[Facts]) -> look.Tone:
    if any(notice["severity"] == "blocker" for notice in notices):
        return "bad"
    return "warn" if notices else "good"


def decision(document: Facts) -> View:
    """GO or NO-GO, with every reason and criterion."""
    go = document.get("verdict") == "GO"
    approved = document.get("approved_by")
    missed = [criterion for criterion in items(document.get("criteria")) if not criterion["ok"]]
    if not go:
        sentence = f"The migration may not run: {look.plural(len(document.get('reasons') or missed), 'reason')}."
    elif approved:
        sentence = f"The migration may run. {approved} approved it; it holds until {clock(document.get('expires_at'))}."
    else:
        sentence = "Every criterion holds. Nobody has approved it yet, and without that nothing is executed."
    comment = str(document.get("comment") or "")
    if comment:
        sentence += f" Their reason: {comment}"
    return View(
        "Decision",
        Badge("GO", "good" if approved else "warn") if go else Badge("NO-GO", "bad"),
        sentence,
        reasons=tuple(str(reason) for reason in document.get("reasons") or ()),
        cards=(
            Card("verdict", "GO" if go else "NO-GO", "good" if go else "bad"),
            Card(
                "approved by",
                str(approved) if approved and go else "nobody yet" if go else "nobody",
                "quiet" if approved and go else "warn",
            ),
            Card("decided", clock(document.get("decided_at"))),
            Card("holds until", clock(document.get("expires_at"))),
        ),
        tables=(
            Table(
                "Criteria",
                ("holds", "criterion", "value", "limit", "setting"),
                tuple(
                    (
                        yes(criterion["ok"]),
                        criterion["name"],
                        look.measured(criterion["name"], criterion["value"]),
                        look.measured(criterion["name"], criterion["limit"]),
                        str(criterion.get("setting") or ""),
                    )
                    for criterion in items(document.get("criteria"))
                ),
                numbers=frozenset({2, 3}),
            ),
            Table(
                "What the decision is bound to",
                ("part", "fingerprint"),
                tuple(
                    (str(part), str(value))
                    for part, value in (document.get("fingerprint") or {}).items()
                    if part != "parts"
                ),
                folded=True,
            ),
        ),
    )
