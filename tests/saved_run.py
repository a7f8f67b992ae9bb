"""A run's folder made by hand, small and complete, with names that try to break a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

NASTY = "</script><script>alert(1)</script>"
_PHASES = (
    "1_1_foundation",
    "1_2_contact_organizations",
    "1_3_opportunities",
    "1_4_activities",
    "1_5_principals",
)
_SECONDS = (1.9, 0.8, 1.4, 3.1, 0.3)
_LOADS = (
    ("1_1_foundation", "load:companies", 55),
    ("1_1_foundation", "load:contacts", 300),
    ("1_1_foundation", "load:opportunities", 160),
    ("1_2_contact_organizations", "load:contact_organizations", 290),
    ("1_3_opportunities", "load:opportunity_participants", 155),
    ("1_4_activities", "load:activities_from_tasks", 240),
)

ASSESSMENT: dict[str, Any] = {
    "snapshot": {
        "id": "20261122T160000Z",
        "taken_at": "2026-11-22T16:00:00+00:00",
        "server_version": "18.4",
        "rows": {"companies": 55, "contacts": 300, "deals": 160, "tasks": 240, "tags": 8, "sales": 4},
    },
    "records": 767,
    "warning_rows": 4,
    "warning_ratio": 4 / 767,
    "blocker_rows": 0,
    "score": 98.7,
    "checks": [
        {
            "check": "deals.unknown_stage",
            "severity": "warning",
            "table": "public.deals",
            "failing": 3,
            "total": 160,
            "why": f"A stage that the mapping doesn't know, such as {NASTY}, becomes 'lead'.",
            "fix": "Add the stage to mappings/stages.csv.",
        },
        {
            "check": "contacts.bad_email",
            "severity": "warning",
            "table": "public.contacts",
            "failing": 1,
            "total": 300,
            "why": "Mail to it will not arrive.",
            "fix": "Correct the address.",
        },
        {
            "check": "contacts.duplicate_email",
            "severity": "info",
            "table": "public.contacts",
            "failing": 12,
            "total": 300,
            "why": "Two contacts share an address.",
            "fix": "Merge them in the application.",
        },
        {
            "check": "contacts.dangling_company",
            "severity": "blocker",
            "table": "public.contacts",
            "failing": 0,
            "total": 300,
            "why": "The company does not exist.",
            "fix": "Clear company_id.",
        },
    ],
    "totals": {"deals_amount": 12_345_678},
}


def _column(kind: str, nulls: int, distinct: int, **facts: Any) -> dict[str, Any]:
    empty = {"min": None, "max": None, "lengths": None, "frequent": [], "shapes": [], "histogram": None}
    return {"type": kind, "nulls": nulls, "distinct": distinct, **empty, "masked": False, **facts}


PROFILE: dict[str, Any] = {
    "snapshot_id": "20261122T160000Z",
    "tables": {
        "contacts": {
            "first_name": _column("text", 0, 240, frequent=[["A…", 7], ["B…", 5]], masked=True),
            "title": _column(
                "text",
                33,
                90,
                min=NASTY,
                max="Writer",
                lengths={"min": 4, "mean": 20.9, "max": 48},
                frequent=[[NASTY, 3]],
            ),
            "email_jsonb": _column("jsonb", 0, 299, shapes=[[f"[{{email: text, {NASTY}: text}}]", 300]]),
        },
        "deals": {
            "name": _column("text", 0, 160),
            "archived_at": _column(
                "timestamp with time zone", 149, 11, histogram={"of": "month", "bins": [["2026-09", 4], ["2026-10", 7]]}
            ),
        },
    },
}

SIMULATION: dict[str, Any] = {
    "snapshot_id": "20261122T160000Z",
    "models": [
        {
            "model": "companies",
            "target": "public.companies",
            "mode": "update",
            "source_rows": 55,
            "rows": 55,
            "rejects": 0,
        },
        {
            "model": "contacts",
            "target": "public.contacts",
            "mode": "update",
            "source_rows": 300,
            "rows": 300,
            "rejects": 0,
        },
        {
            "model": "contact_organizations",
            "target": "public.contact_organizations",
            "mode": "insert",
            "source_rows": 300,
            "rows": 289,
            "rejects": 1,
        },
        {
            "model": "activities_from_tasks",
            "target": "public.activities",
            "mode": "insert",
            "source_rows": 240,
            "rows": 240,
            "rejects": 0,
        },
    ],
    "new_entities": {"contact_organizations": 289, "activities": 240},
    "estimate": {"seconds": 9.5, "disk_bytes": 4_200_000, "memory_bytes": 310_000_000},
    "late_rejects": 0,
    "stages": [
        ["opportunity", "lead", 40],
        ["won", "closed_won", 61],
        ["lost", "closed_lost", 30],
        ["delayed", "nurturing", 26],
        [NASTY, "lead", 3],
    ],
    "rejects_by_reason": {"contact_id and organization_id stand in a living row already": 1},
    "rejects_by_kind": {"unique": 1},
    "refusals": [
        {
            "model": "contact_organizations",
            "rule": "contact_organizations_pair",
            "kind": "unique",
            "reason": f"another row has the same contact_id and {NASTY}",
            "late": True,
            "rows": 1,
        },
    ],
    "relationships": {
        "contacts_by_organizations": [[0, 11], [1, 289]],
        "opportunities_by_participants": [[1, 150], [3, 10]],
        "activities_by_month": [["2026-09", "call", 90], ["2026-10", "meeting", 149], ["no date", "check_in", 1]],
        "network": {
            "nodes": [
                {"role": "principal", "name": NASTY, "organizations": 1, "opportunities": 7},
                {"role": "distributor", "name": "Bay Street Foods", "organizations": 1, "opportunities": 4},
                {"role": "customer", "name": "Corner Shop", "organizations": 1, "opportunities": 6},
                {"role": "customer", "name": None, "organizations": 9, "opportunities": 4},
            ],
            "links": [[0, 1, 4], [0, 3, 3], [1, 2, 4]],
            "opportunities": 10,
            "alone": 150,
        },
        "entities": [["companies", "customer", 50], ["companies", NASTY, 5], ["activities", "call", 90]],
    },
    "notices": [
        {
            "severity": "warning",
            "object": f"function public.f_{NASTY}()",
            "line": 4,
            "reason": f"truncate deals: {NASTY}",
            "fix": "Name opportunities instead once the migration is done.",
        },
        {
            "severity": "blocker",
            "object": "policy 'mine' of deals, for opportunity_products",
            "line": None,
            "reason": "names deals.sales_id, and opportunity_products has no column that means the same",
            "fix": "Give its expressions for the new table in policies.csv, or drop the policy if nobody needs it.",
        },
    ],
}

_STEP: dict[str, Any] = {
    "phase": "1_1_foundation",
    "step": "load:contacts",
    "seconds": 2.0,
    "wal_bytes": 3_000_000,
    "disk_bytes": 2_000_000,
    "rows": 300,
    "locks": [
        {"relation": "companies", "mode": "AccessShareLock", "seconds": 9.0},
        {"relation": "contacts", "mode": "AccessExclusiveLock", "seconds": 0.5},
    ],
    "revert_seconds": 0.1,
}
REHEARSAL: dict[str, Any] = {
    "seconds": 2.5,
    "revert_seconds": 0.5,
    "verified": True,
    "failed": None,
    "differing": 0,
    "differing_back": 0,
    "left_over": [],
    "not_copied": [f"rows of table {NASTY}: they are no part of a snapshot"],
    "steps": [_STEP, {**_STEP, "step": "sql:40_keys", "seconds": 0.5, "locks": []}],
}

DECISION: dict[str, Any] = {
    "verdict": "GO",
    "reasons": [],
    "criteria": [
        {"name": "rows with a blocker", "limit": 0, "value": 0, "ok": True},
        {"name": "records with a warning, as a share", "limit": 0.01, "value": 4 / 767, "ok": True},
        {"name": "disk needed, of the free bytes", "limit": 41_000_000_000, "value": 36_000_000, "ok": True},
        {"name": "pre-flight: role", "limit": "ok", "value": "ok", "ok": True},
    ],
    "approved_by": "Ada Reviewer",
    "decided_at": "2026-11-22T16:10:00+00:00",
    "expires_at": "2026-11-23T16:10:00+00:00",
    "fingerprint": {"snapshot": "a1", "sql": "b2", "schema": "c3", "inputs": "d4", "settings": "e5"},
}

RUN: dict[str, Any] = {
    "run_id": "20261122T160000Z",
    "database": "atomic_crm",
    "status": "completed",
    "stage": "open",
    "started_at": "2026-11-22T16:20:00+00:00",
    "finished_at": "2026-11-22T16:20:09+00:00",
    "phases": [
        {"phase": name, "status": "completed", "seconds": seconds, "rows": 240, "rejects": int(number == 1)}
        for number, (name, seconds) in enumerate(zip(_PHASES, _SECONDS, strict=True))
    ],
    "steps": [
        {
            "phase": phase,
            "step": step,
            "status": "completed",
            "rows_done": rows,
            "rows_total": rows,
            "seconds": rows / 400,
            "error": None,
        }
        for phase, step, rows in _LOADS
    ],
}

EXPLANATION: dict[str, Any] = {
    "table": "deals",
    "key": 0,
    "becomes": "opportunities",
    "renamed": {"company_id": "customer_organization_id"},
    "record": {"id": 0, "name": NASTY, "company_id": 7, "stage": "won", "description": None},
    "findings": [],
    "made": [
        {
            "target": "opportunities",
            "model": "opportunities",
            "mode": "update",
            "why": "It becomes an opportunity.",
            "rows": [{"id": 0, "stage": "closed_won", "status": "active"}],
            "how": {"id": "id", "stage": "stages.stage", "status": "'active'"},
        },
        {
            "target": "opportunity_participants",
            "model": "opportunity_participants",
            "mode": "insert",
            "why": "Its customer takes part.",
            "rows": [{"opportunity_id": 0, "organization_id": 7, "role": "customer"}],
            "how": {"opportunity_id": "id", "organization_id": "company_id", "role": "'customer'"},
        },
    ],
    "refused": [],
    "referred": [],
    "masked": True,
}

VERIFICATION: dict[str, Any] = {
    "ok": True,
    "checks": [
        {"check": "phase 1_1_foundation", "ok": True, "detail": "9 steps as they should be"},
        {"check": "sum of amounts", "ok": True, "detail": "12,345,678 before and after"},
    ],
    "compared": {
        "contacts (legacy columns)": {"rows": 300, "differing": 0},
        "companies (legacy columns)": {"rows": 55, "differing": 0},
        "contacts": {"rows": 300, "differing": 0},
        "companies": {"rows": 55, "differing": 0},
        "contact_organizations": {"rows": 289, "differing": 0},
        "activities": {"rows": 240, "differing": 0},
    },
}


def write(folder: Path, **changed: dict[str, Any] | None) -> Path:
    """Write a run's folder.

    Args:
        changed: by stage, keys to set in its document; None leaves the stage out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    documents = {
        "assessment": ASSESSMENT,
        "profile": PROFILE,
        "simulation": SIMULATION,
        "rehearsal": REHEARSAL,
        "decision": DECISION,
        "run": RUN,
        "verification": VERIFICATION,
    }
    for name, document in documents.items():
        keys = changed.get(name, {})
        if keys is not None:
            (folder / f"{name}.json").write_text(json.dumps(document | keys), encoding="utf-8")
    found = {
        "check": ["deals.unknown_stage", "contacts.bad_email"],
        "severity": ["info", "warning"],
        "table": ["public.deals", "public.contacts"],
        "key": ["7", "8"],
        "detail": [f"stage {NASTY}", "quentin@zebedee.example is none"],
    }
    pl.DataFrame(found).write_parquet(folder / "findings.parquet")
    if changed.get("run", {}) is not None:
        (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in _events()), encoding="utf-8")
        (folder / "resources.jsonl").write_text("".join(json.dumps(line) + "\n" for line in _looks()), encoding="utf-8")
    return folder


def _looks() -> list[dict[str, Any]]:
    return [
        {
            "at": f"2026-11-22T16:20:{second:02d}.000+00:00",
            "stage": "phases",
            "step": "load:contacts",
            "cpu_percent": 40.0,
            "memory_bytes": 200_000_000 + second,
            "written_bytes": second * 1_000_000,
            "wal_bytes": second * 2_000_000,
            "free_bytes": 40_000_000_000,
        }
        for second in range(9)
    ]


def _events() -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = [
        {"kind": "stage", "name": "phases", "message": "phases begins", "at": "2026-11-22T16:20:00.000+00:00"}
    ]
    clock = 0
    for _, step, rows in _LOADS:
        for done in range(0, rows + 1, 5):
            clock += 17
            events.append(
                {
                    "kind": "progress",
                    "name": step,
                    "message": f"{done} rows",
                    "rows_done": done,
                    "rows_total": rows,
                    "seconds": done / 400,
                    "at": f"2026-11-22T16:20:{clock / 1000:06.3f}+00:00",
                }
            )
    return events
