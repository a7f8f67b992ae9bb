"""View of the kill certificate."""

from __future__ import annotations

from crm_migrate.certificate import Certificate
from crm_migrate.report.parts import Badge, Table, View
from crm_migrate.report.views.base import clock

_DEATHS = {
    "kill": "the process is killed",
    "terminate": "its session is ended",
    "restart": "the server crashes",
}


def certificate(found: Certificate, *, sql: str, program: str) -> View:
    """What the certificate says, and whether it speaks of this program at all.

    Args:
        sql, program: the hashes of the SQL files and modules that are in use.
    """
    tried = sum(part.tried for part in found.tried)
    points, covered = sum(part.points for part in found.tried), sum(part.covered for part in found.tried)
    identical, resumed = sum(part.identical for part in found.tried), sum(part.resumed for part in found.tried)
    stale = [
        what for what, same in (("SQL files", found.sql == sql), ("modules", found.program == program)) if not same
    ]
    badge = Badge("complete", "good") if found.complete else Badge("in part", "warn")
    if identical < tried:
        badge = Badge("broken", "bad")
    elif stale:
        badge = Badge("of another version", "warn")
    reasons = (
        [f"It was made with other {' and other '.join(stale)} than these: run `make certify` again."] if stale else []
    )
    return View(
        "Kill certificate",
        badge,
        f"A night on a sample of {found.contacts:,} contacts died {tried:,} times. {resumed:,} times it went on to the "
        f"end, the others left the very same behind as one of these; {identical:,} times that is the same database as "
        f"after a night that nothing disturbed. It covers {covered:,} of {points:,} places, for between those of a "
        "class nothing is committed and no file is written "
        f"({clock(found.made_at)}, PostgreSQL {found.server_version}, crm-migrate {found.version}).",
        reasons=(*reasons, *found.failed[:20]),
        tables=(
            Table(
                "Where a night may die: before each statement, and after each commit",
                (
                    "commit mode",
                    "what dies",
                    "places",
                    "classes",
                    "tried",
                    "went on to the end",
                    "identical",
                    "places covered",
                    "batches done twice, at most",
                ),
                tuple(
                    (
                        part.commit,
                        _DEATHS[part.death],
                        f"{part.points:,}",
                        f"{part.classes:,}",
                        f"{part.tried:,} of {part.wanted:,}",
                        f"{part.resumed:,}",
                        f"{part.identical:,}",
                        f"{part.covered:,}",
                        f"{part.redone:,}",
                    )
                    for part in found.tried
                ),
                numbers=frozenset({2, 3, 4, 5, 6, 7, 8}),
            ),
        ),
    )
