"""View of the verification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm_migrate.report import look
from crm_migrate.report.parts import Badge, Card, Table, View
from crm_migrate.report.saved import Facts, items
from crm_migrate.report.views.base import yes


def verification(document: Facts) -> View:
    """Whether everything is there and as predicted."""
    checks = items(document.get("checks"))
    compared: Mapping[str, Any] = document.get("compared") or {}
    rows = sum(facts["rows"] for facts in compared.values())
    differing = sum(facts["differing"] for facts in compared.values())
    failed = [check for check in checks if not check["ok"]]
    ok = bool(document.get("ok"))
    return View(
        "Verification",
        Badge("verified", "good") if ok else Badge("wrong", "bad"),
        f"The migration is verified: {look.plural(rows, 'row')} compared, each as predicted."
        if ok and not differing
        else f"{look.plural(len(failed), 'check')} failed, {look.plural(differing, 'row')} differ.",
        reasons=tuple(f"{check['check']}: {check['detail']}" for check in failed),
        cards=(
            Card("checks passed", f"{len(checks) - len(failed)} of {len(checks)}", "bad" if failed else "good"),
            Card("rows compared", f"{rows:,}"),
            Card("rows that differ", f"{differing:,}", "bad" if differing else "good"),
        ),
        tables=(
            Table(
                "Checks, failed ones first",
                ("holds", "check", "detail"),
                tuple(
                    (yes(check["ok"]), check["check"], str(check["detail"]))
                    for check in sorted(checks, key=lambda check: bool(check["ok"]))
                ),
            ),
            Table(
                "Prediction against outcome",
                ("target", "rows compared", "rows that differ", "written by users since"),
                tuple(
                    (
                        name.removeprefix("public."),
                        f"{facts['rows']:,}",
                        f"{facts['differing']:,}",
                        f"{facts.get('written_since', 0):,}",
                    )
                    for name, facts in sorted(compared.items())
                ),
                numbers=frozenset({1, 2, 3}),
            ),
        ),
    )
