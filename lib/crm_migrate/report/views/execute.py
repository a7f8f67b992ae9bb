"""View of the execution."""

from __future__ import annotations

from crm_migrate import personal
from crm_migrate.forecast import WINDOW
from crm_migrate.report import look
from crm_migrate.report.parts import Badge, Card, Table, View
from crm_migrate.report.saved import Facts, items


def taken_back(document: Facts) -> bool:
    """Whether the run was taken back, or its way back has begun: what was verified before holds no more."""
    return document.get("status") == "rolled_back" or document.get("stage") == "revert"


def run(document: Facts) -> View:
    """How far the execution is, phase by phase."""
    phases, steps = items(document.get("phases")), items(document.get("steps"))
    status = str(document.get("status", "not yet"))
    seconds = sum(float(phase.get("seconds") or 0.0) for phase in phases)
    rejects = sum(int(phase.get("rejects") or 0) for phase in phases)
    rows = sum(int(phase.get("rows") or 0) for phase in phases)
    done = sum(look.tone(phase["status"]) == "good" for phase in phases)
    cards: tuple[Card, ...] = (
        Card("phases done", f"{done} of {len(phases)}"),
        Card("source rows", f"{rows:,}"),
        Card("time", look.duration(seconds)),
        Card("rejects", f"{rejects:,}", "warn" if rejects else "good"),
    )
    back = len(phases) if status == "rolled_back" else sum(phase["status"] == "reverted" for phase in phases)
    if taken_back(document):  # of what it did nothing is left to be told
        cards = (Card("phases taken back", f"{back} of {len(phases)}"),)
    return View(
        "Execution",
        Badge(status.replace("_", " "), look.tone(status)),
        _on_the_way_back(status, back, len(phases))
        if taken_back(document)
        else {
            "completed": f"All {len(phases)} phases are done, {rows:,} source rows in {look.duration(seconds)}.",
            "running": f"{done} of {len(phases)} phases are done; the run goes on.",
            "paused": f"Paused after {done} of {len(phases)} phases. The same command goes on from there.",
            "stopped": f"Stopped after {done} of {len(phases)} phases. Mend the cause; the same command resumes.",
        }.get(status, "Nothing has been executed."),
        reasons=_reasons(document) if status == "stopped" else (),
        cards=cards,
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


def _on_the_way_back(status: str, back: int, phases: int) -> str:
    if status == "rolled_back":
        return "The migration was taken back; the database is as it was."
    if status == "running":
        return f"The migration is being taken back: {back} of {phases} phases so far."
    return f"The way back stopped after {back} of {phases} phases. Mend the cause; the same command goes on."


def _reasons(document: Facts) -> tuple[str, ...]:
    """Why it stopped, as it was noted; it holds no value of a row, but an address may stand in a setting or a host."""
    error = str(document.get("error") or "")
    return (personal.without_addresses(error),) if error else ()


def _of(done: int | None, total: int | None) -> str:
    if total is None:
        return "" if done is None else f"{done:,}"
    return f"{done or 0:,} of {total:,}"


def forecast(simulation: Facts, executed: Facts) -> list[Table]:
    """Forecast beside fact, while there is a fact."""
    if not simulation or not executed or taken_back(executed):
        return []
    phases, models = items(executed.get("phases")), items(simulation.get("models"))
    seconds = sum(float(phase.get("seconds") or 0.0) for phase in phases)
    estimate: Facts = simulation.get("estimate") or {}
    expected: Facts = estimate.get("phases") or {}
    rows = (
        *(
            (
                look.phase_name(phase["phase"]),
                look.duration(expected.get(phase["phase"])),
                look.duration(None if phase["status"] == "pending" else phase.get("seconds")),
            )
            for phase in phases
        ),
        ("all phases", look.duration(sum(expected.values()) if expected else None), look.duration(seconds)),
        (
            f"all phases, with the buffer of {look.percent(WINDOW - 1)}",
            look.duration(estimate.get("seconds")),
            look.duration(seconds),
        ),
        (
            "source rows read by the loads",
            f"{sum(model['source_rows'] for model in models):,}",
            f"{sum(int(phase.get('rows') or 0) for phase in phases):,}",
        ),
        (
            "rows set aside",
            f"{sum(model['rejects'] for model in models):,}",
            f"{sum(int(phase.get('rejects') or 0) for phase in phases):,}",
        ),
    )
    basis = {"rehearsal": ", by a rehearsal", "calibration": ", by how fast the server was"}.get(
        estimate.get("basis", ""), ""
    )
    return [Table(f"Forecast against fact{basis}", ("what", "forecast", "fact"), rows, numbers=frozenset({1, 2}))]
