"""View of the rehearsal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm_migrate.report import look
from crm_migrate.report.parts import Badge, Card, Table, View
from crm_migrate.report.saved import Facts, items


def rehearsal(document: Facts) -> View:
    """Whether it held there and back, what each step took, and what was not in the copy."""
    steps = items(document.get("steps"))
    reasons = _reasons(document)
    lacking = [str(what) for what in document.get("not_copied") or ()]
    wal, disk = (sum(int(step[name]) for step in steps) for name in ("wal_bytes", "disk_bytes"))
    return View(
        "Rehearsal",
        Badge("failed", "bad") if reasons else Badge("held", "good"),
        "The migration was rehearsed on a copy and did not hold."
        if reasons
        else "The migration ran on a copy, was verified, and was taken back; rows and objects are as before.",
        reasons=reasons,
        cards=(
            Card("there", look.duration(document.get("seconds"))),
            Card("back", look.duration(document.get("revert_seconds"))),
            Card("write-ahead log", look.size(wal)),
            Card("grew by, with indexes and copies", look.size(disk)),
            Card("not in the copy", f"{len(lacking):,}", "warn" if lacking else "good"),
        ),
        tables=(
            Table(
                "What could not be copied, and was not rehearsed with", ("what, and why",), tuple((w,) for w in lacking)
            ),
            Table(
                "What each step took",
                ("phase", "step", "time", "source rows", "log", "disk", "back", "strongest lock", "held"),
                tuple(_row(step) for step in steps),
                numbers=frozenset({2, 3, 4, 5, 6, 8}),
                folded=True,
            ),
        ),
    )


def _row(step: Mapping[str, Any]) -> tuple[str, ...]:
    locks = items(step.get("locks"))
    longest = max(locks, key=lambda lock: (lock["mode"] == "AccessExclusiveLock", lock["seconds"]), default=None)
    return (
        look.phase_name(step["phase"]),
        str(step["step"]),
        look.duration(step["seconds"]),
        f"{step['rows']:,}",
        look.size(step["wal_bytes"]),
        look.size(step["disk_bytes"]),
        look.duration(step["revert_seconds"]),
        "" if longest is None else f"{longest['mode']} on {longest['relation']}",
        "" if longest is None else look.duration(longest["seconds"]),
    )


def _reasons(document: Facts) -> tuple[str, ...]:
    found = []
    if document.get("failed"):
        found.append(str(document["failed"]))
    elif not document.get("verified"):
        found.append(f"The verification failed: {document.get('differing') or 0:,} rows differ from the prediction.")
    if document.get("differing_back"):
        found.append(f"{document['differing_back']:,} rows were not as before after the way back.")
    if document.get("left_over"):
        found.append("After the way back these were not as before: " + ", ".join(document["left_over"]) + ".")
    return tuple(found)
