"""A run as it goes on: the step at hand, what the machines do, what happened last."""

from __future__ import annotations

from crm_migrate.report import look
from crm_migrate.report.parts import Badge, Card, Table, View
from crm_migrate.report.saved import Facts, items


def sight(document: Facts) -> View:
    """What a monitor sees; what nobody knows is left out."""
    status = str(document["status"])
    phases, events = items(document.get("phases")), items(document.get("events"))
    progress: Facts = document.get("progress") or {}
    running = status == "running"
    done = sum(phase["status"] == "completed" for phase in phases)
    window: Facts = document.get("window") or {}
    reasons = [
        document.get("error") if not running else None,
        f"The window is closed since {window['since']}." if window else None,
        document.get("hint"),
    ]
    return View(
        "The run, from outside",
        Badge(status.replace("_", " "), look.tone(status)),
        f"Run {document['run_id']} on database {document['database']}: {done} of {len(phases)} phases are done, "
        f"stage {document['stage']}" + (f", by {document['runner']}." if document.get("runner") else "."),
        reasons=tuple(str(reason) for reason in reasons if reason),
        cards=_cards(progress) if running and progress else (),
        tables=(
            Table(
                "Phases",
                ("state", "phase", "time", "rows", "rejects"),
                tuple(
                    (
                        Badge(str(phase["status"]), look.tone(str(phase["status"]))),
                        look.phase_name(phase["phase"]),
                        look.duration(phase["seconds"]),
                        f"{phase['rows']:,}",
                        f"{phase['rejects']:,}",
                    )
                    for phase in phases
                ),
                numbers=frozenset({2, 3, 4}),
            ),
            Table(
                "What happened last",
                ("when", "kind", "what", "message"),
                tuple((event["at"], event["kind"], event["name"], event["message"]) for event in events),
                folded=not running,
            ),
        ),
    )


def _cards(progress: Facts) -> tuple[Card, ...]:
    client: Facts = progress["client"]
    server: Facts = progress.get("server") or {}
    known = [
        ("step", progress["step"] or progress["stage"]),
        ("rows", _rows(progress)),
        ("rows a second", None if progress["rate"] is None else f"{progress['rate']:,.0f}"),
        ("left for the phases", _time(progress["run_eta_seconds"])),
        ("CPU of the runner", f"{client['cpu_percent']:.0f} %"),
        ("memory of the runner", look.size(client["memory_bytes"])),
        ("written by it", None if client["written_bytes"] is None else look.size(client["written_bytes"])),
        ("write-ahead log", look.size(server["wal_bytes"]) if server.get("wal_bytes") is not None else None),
        ("locks waited for", f"{server['locks_waited_for']}" if server else None),
        *((f"free: {disk['what']}", look.size(disk["free_bytes"])) for disk in items(progress["disks"])),
    ]
    return tuple(Card(label, value) for label, value in known if value is not None)


def _rows(progress: Facts) -> str | None:
    if progress["rows_done"] is None:
        return None
    return f"{progress['rows_done']:,}" + (f" of {progress['rows_total']:,}" if progress["rows_total"] else "")


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else look.duration(seconds)
