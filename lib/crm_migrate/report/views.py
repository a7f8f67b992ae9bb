"""What each saved stage says, as a value: verdict, reasons, figures, tables. How it looks is the templates' matter.

A view takes the stage's saved document, so that a notebook and a page made later from the files say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from crm_migrate.report import look
from crm_migrate.report.look import Tone
from crm_migrate.report.parts import Badge, Card, Table, View
from crm_migrate.report.saved import Facts, items, moment

_ORDER = {"blocker": 0, "warning": 1, "info": 2}


def of(stage: str, document: Facts) -> View:
    """The view of a stage by the name of its file; one that has not been saved says so."""
    if not document:
        return _not_yet(stage)
    return _VIEWS[stage](document)


def names() -> tuple[str, ...]:
    """The stages that have a view."""
    return tuple(_VIEWS)


def clock(value: object) -> str:
    """A saved timestamp to the minute, in UTC."""
    at = moment(value)
    return "–" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def _not_yet(stage: str) -> View:
    title, hint = {
        "assessment": ("Assessment", "01_assess makes it."),
        "simulation": ("Dry run", "02_dry_run makes it."),
        "decision": ("Decision", "02_dry_run takes it."),
        "plan": ("Plan", "03_execute shows it."),
        "run": ("Execution", "03_execute with confirm begins it."),
        "verification": ("Verification", "04_verify with confirm makes it, after the execution."),
    }.get(stage, (stage.capitalize(), ""))
    return View(title, Badge("not yet", "quiet"), f"There is nothing yet. {hint}".strip())


def _snapshot(document: Facts) -> View:
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


def _assessment(document: Facts) -> View:
    checks = items(document.get("checks"))
    failing = {
        severity: sum(check["failing"] for check in checks if check["severity"] == severity) for severity in _ORDER
    }
    ratio = float(document.get("warning_ratio") or 0.0)
    blocked = bool(document.get("blocker_rows"))
    found = [check for check in checks if check["failing"]]
    passed = [check for check in checks if not check["failing"]]
    return View(
        "Assessment",
        Badge("blocked", "bad") if blocked else Badge("no blocker", "good"),
        f"{look.plural(failing['blocker'], 'row')} would break the migration and must be mended first."
        if blocked
        else f"Nothing stands in the way; {look.percent(ratio)} of the records have a warning."
        if ratio
        else "Nothing stands in the way; no record has a warning.",
        reasons=tuple(
            f"{check['check']}: {look.plural(check['failing'], 'row')}. {check['why']}"
            for check in _worst_first(found)
            if check["severity"] == "blocker"
        ),
        cards=(
            Card("records checked", f"{document.get('records', 0):,}"),
            Card("blocker rows", f"{document.get('blocker_rows', 0):,}", "bad" if blocked else "good"),
            Card("with a warning", f"{document.get('warning_rows', 0):,}", "warn" if ratio else "good"),
            Card("warning ratio", look.percent(ratio)),
            Card("quality score", _score(document.get("score"))),
            Card("checks passed", f"{len(passed)} of {len(checks)}"),
        ),
        tables=(
            Table(
                "What was found, worst first",
                ("severity", "check", "table", "rows", "of", "why it matters", "what mends it"),
                tuple(
                    (
                        Badge(check["severity"], _severity_tone(check["severity"])),
                        check["check"],
                        check["table"].removeprefix("public."),
                        f"{check['failing']:,}",
                        f"{check['total']:,}",
                        check["why"],
                        check["fix"],
                    )
                    for check in _worst_first(found)
                ),
                numbers=frozenset({3, 4}),
            ),
            Table(
                f"{look.plural(len(passed), 'check')} found nothing",
                ("severity", "check", "table", "of"),
                tuple(
                    (check["severity"], check["check"], check["table"].removeprefix("public."), f"{check['total']:,}")
                    for check in passed
                ),
                numbers=frozenset({3}),
                folded=True,
            ),
        ),
    )


def _simulation(document: Facts) -> View:
    models = items(document.get("models"))
    rejects = sum(model["rejects"] for model in models)
    new = sum((document.get("new_entities") or {}).values())
    estimate: Mapping[str, Any] = document.get("estimate") or {}
    return View(
        "Dry run",
        Badge("rejects", "warn") if rejects else Badge("no rejects", "good"),
        f"{new:,} new rows are predicted; "
        + (f"{look.plural(rejects, 'row')} would be set aside." if rejects else "the target accepts every one."),
        cards=(
            Card("new rows", f"{new:,}"),
            Card("rejects", f"{rejects:,}", "warn" if rejects else "good"),
            Card("time needed", look.duration(estimate.get("seconds"))),
            Card("disk needed", look.size(estimate.get("disk_bytes"))),
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
        ),
    )


def _decision(document: Facts) -> View:
    go = document.get("verdict") == "GO"
    approved = document.get("approved_by")
    missed = [criterion for criterion in items(document.get("criteria")) if not criterion["ok"]]
    if not go:
        sentence = f"The migration may not run: {look.plural(len(document.get('reasons') or missed), 'reason')}."
    elif approved:
        sentence = f"The migration may run. {approved} approved it; it holds until {clock(document.get('expires_at'))}."
    else:
        sentence = "Every criterion holds. Nobody has approved it yet, and without that nothing is executed."
    return View(
        "Decision",
        Badge("GO", "good" if approved else "warn") if go else Badge("NO-GO", "bad"),
        sentence,
        reasons=tuple(str(reason) for reason in document.get("reasons") or ()),
        cards=(
            Card("verdict", "GO" if go else "NO-GO", "good" if go else "bad"),
            Card("approved by", str(approved) if approved else "nobody yet", "quiet" if approved else "warn"),
            Card("decided", clock(document.get("decided_at"))),
            Card("holds until", clock(document.get("expires_at"))),
        ),
        tables=(
            Table(
                "Criteria",
                ("holds", "criterion", "value", "limit"),
                tuple(
                    (
                        _yes(criterion["ok"]),
                        criterion["name"],
                        look.measured(criterion["name"], criterion["value"]),
                        look.measured(criterion["name"], criterion["limit"]),
                    )
                    for criterion in items(document.get("criteria"))
                ),
                numbers=frozenset({2, 3}),
            ),
            Table(
                "What the decision is bound to",
                ("part", "fingerprint"),
                tuple((str(part), str(value)) for part, value in (document.get("fingerprint") or {}).items()),
                folded=True,
            ),
        ),
    )


def _run(document: Facts) -> View:
    phases, steps = items(document.get("phases")), items(document.get("steps"))
    status = str(document.get("status", "not yet"))
    seconds = sum(float(phase.get("seconds") or 0.0) for phase in phases)
    rejects = sum(int(phase.get("rejects") or 0) for phase in phases)
    rows = sum(int(phase.get("rows") or 0) for phase in phases)
    done = sum(look.tone(phase["status"]) == "good" for phase in phases)
    return View(
        "Execution",
        Badge(status.replace("_", " "), look.tone(status)),
        {
            "completed": f"All {len(phases)} phases are done, {rows:,} source rows in {look.duration(seconds)}.",
            "running": f"{done} of {len(phases)} phases are done; the run goes on.",
            "paused": f"Paused after {done} of {len(phases)} phases. The same command goes on from there.",
            "stopped": f"Stopped after {done} of {len(phases)} phases. Mend the cause; the same command resumes.",
            "rolled_back": "The migration was taken back; the database is as it was.",
        }.get(status, "Nothing has been executed."),
        cards=(
            Card("phases done", f"{done} of {len(phases)}"),
            Card("source rows", f"{rows:,}"),
            Card("time", look.duration(seconds)),
            Card("rejects", f"{rejects:,}", "warn" if rejects else "good"),
        ),
        tables=(
            Table(
                "Phases",
                ("state", "phase", "time", "rows", "rejects"),
                tuple(
                    (
                        Badge(str(phase["status"]), look.tone(str(phase["status"]))),
                        look.phase_name(phase["phase"]),
                        look.duration(phase.get("seconds")),
                        f"{phase.get('rows') or 0:,}",
                        f"{phase.get('rejects') or 0:,}",
                    )
                    for phase in phases
                ),
                numbers=frozenset({2, 3, 4}),
            ),
            Table(
                look.plural(len(steps), "step"),
                ("state", "phase", "step", "time", "rows"),
                tuple(
                    (
                        Badge(str(step["status"]), look.tone(str(step["status"]))),
                        look.phase_name(step["phase"]),
                        step["step"],
                        look.duration(step.get("seconds")),
                        _of(step.get("rows_done"), step.get("rows_total")),
                    )
                    for step in steps
                ),
                numbers=frozenset({3, 4}),
                folded=True,
            ),
        ),
    )


def _verification(document: Facts) -> View:
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
                    (_yes(check["ok"]), check["check"], str(check["detail"]))
                    for check in sorted(checks, key=lambda check: bool(check["ok"]))
                ),
            ),
            Table(
                "Prediction against outcome",
                ("target", "rows compared", "rows that differ"),
                tuple(
                    (name.removeprefix("public."), f"{facts['rows']:,}", f"{facts['differing']:,}")
                    for name, facts in sorted(compared.items())
                ),
                numbers=frozenset({1, 2}),
            ),
        ),
    )


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


def _yes(ok: object) -> Badge:
    return Badge("yes", "good") if ok else Badge("no", "bad")


def _score(score: object) -> str:
    return f"{score:.0f} of 100" if isinstance(score, int | float) else "–"


def _of(done: int | None, total: int | None) -> str:
    if total is None:
        return "" if done is None else f"{done:,}"
    return f"{done or 0:,} of {total:,}"


_VIEWS: dict[str, Callable[[Facts], View]] = {
    "snapshot": _snapshot,
    "assessment": _assessment,
    "simulation": _simulation,
    "decision": _decision,
    "run": _run,
    "verification": _verification,
}
