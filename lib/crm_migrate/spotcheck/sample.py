"""Which records are looked at: some of every stratum, so that no table, mapping branch or edge case is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from crm_migrate.inputs import Inputs
from crm_migrate.postgres import SOURCE_TABLES
from crm_migrate.snapshot import Snapshot
from crm_migrate.spotcheck.source import scan
from crm_migrate.spotcheck.values import DAY

_ID = pl.col("id")
_SPECIAL = r"""[^\x20-\x7e]|[<>&'"\\]"""
_1970, _2101 = 0, 47_847 * DAY  # days from 1970-01-01 to 2101-01-01
_OF_STRATUM = 3  # candidates of each stratum, so that another one is there where strata overlap


@dataclass(frozen=True, slots=True)
class Record:
    """A record of the source that is followed.

    Attributes:
        strata: every stratum that it was a candidate of.
    """

    table: str
    key: int
    strata: tuple[str, ...]


def choose(before: Snapshot, given: Inputs, *, count: int, seed: int) -> tuple[Record, ...]:
    """Choose up to `count` records: the first of every stratum, then the second of every one, and so on.

    Where there are more strata than `count`, every table comes to its turn before any comes a second time.
    """
    candidates: list[tuple[int, int, str, str, int]] = []  # which of its stratum, which stratum of its table, …
    for table in (name for name in SOURCE_TABLES if name in before.rows):
        strata = _strata(table, given)
        wanted = {name: count if name == "any" else _OF_STRATUM for name in strata}
        frame = scan(before, table)
        queries = [
            frame.filter(condition)
            .select(_ID, order=_ID.hash(seed))
            .bottom_k(wanted[name], by=["order", "id"])
            .sort("order", "id")
            for name, condition in strata.items()
        ]
        for position, (name, picked) in enumerate(zip(strata, pl.collect_all(queries), strict=True)):
            candidates += [(turn, position, table, name, key) for turn, key in enumerate(picked["id"])]
    chosen: dict[tuple[str, int], list[str]] = {}
    for _turn, _position, table, name, key in sorted(candidates):
        if (table, key) in chosen:
            chosen[table, key].append(name)
        elif len(chosen) < count:
            chosen[table, key] = [name]
    return tuple(Record(table, key, tuple(dict.fromkeys(names))) for (table, key), names in chosen.items())


def _strata(table: str, given: Inputs) -> Mapping[str, pl.Expr]:
    """Strata of a table by name: a condition each."""
    made = _OF[table](given) if table in _OF else {}
    return {
        "any": pl.lit(value=True),
        **made,
        "lowest id": _ID.min() == _ID,
        "highest id": _ID.max() == _ID,
    }


def _companies(given: Inputs) -> dict[str, pl.Expr]:
    return {
        "has products": _ID.is_in(_keys(given, "products", "principal_id")),
        "has distributors": _ID.is_in(_keys(given, "relationships", "principal_id")),
        "in organizations.csv": _ID.is_in(_keys(given, "organizations", "company_id")),
        "not in organizations.csv": ~_ID.is_in(_keys(given, "organizations", "company_id")),
        "special characters": pl.col("name").str.contains(_SPECIAL),
        "longest name": _longest("name"),
        "without sector": pl.col("sector").is_null(),
        "without owner": pl.col("sales_id").is_null(),
    }


def _contacts(given: Inputs) -> dict[str, pl.Expr]:
    return {
        "with company": pl.col("company_id").is_not_null(),
        "without company": pl.col("company_id").is_null(),
        "in advocacy.csv": _ID.is_in(_keys(given, "advocacy", "contact_id")),
        "special characters": pl.col("last_name").str.contains(_SPECIAL),
        "without name": pl.col("first_name").is_null() | pl.col("last_name").is_null(),
        "never seen": pl.col("first_seen").is_null(),
        "seen at an odd time": _odd("first_seen"),
        "without owner": pl.col("sales_id").is_null(),
    }


def _deals(given: Inputs) -> dict[str, pl.Expr]:
    known = _keys(given, "stages", "legacy_stage")
    return {
        **{f"stage {stage}": pl.col("stage") == stage for stage in known},
        "unknown stage": ~pl.col("stage").is_in(known),
        "in opportunity_roles.csv": _ID.is_in(_keys(given, "opportunity_roles", "opportunity_id")),
        "without company": pl.col("company_id").is_null(),
        "without closing date": pl.col("expected_closing_date").is_null(),
        "closing at an odd time": _odd("expected_closing_date"),
        "archived": pl.col("archived_at").is_not_null(),
        "without amount": pl.col("amount").is_null(),
        "largest amount": pl.col("amount") == pl.col("amount").max(),
        "special characters": pl.col("name").str.contains(_SPECIAL),
        "without contacts": pl.col("contact_ids").list.len().fill_null(0) == 0,
    }


def _tasks(given: Inputs) -> dict[str, pl.Expr]:
    return {
        **_types(given),
        "done": pl.col("done_date").is_not_null(),
        "open": pl.col("done_date").is_null(),
        "due at an odd time": _odd("due_date"),
        "without contact": pl.col("contact_id").is_null(),
        "without owner": pl.col("sales_id").is_null(),
        **_texts(),
    }


def _contact_notes(given: Inputs) -> dict[str, pl.Expr]:
    return {**_notes(), "without contact": pl.col("contact_id").is_null(), **_texts()}


def _deal_notes(given: Inputs) -> dict[str, pl.Expr]:
    return {
        **_types(given),
        "type begins with Call": pl.col("type").str.starts_with("Call") & (pl.col("type") != "Call"),
        **_notes(),
        "without deal": pl.col("deal_id").is_null(),
        **_texts(),
    }


_OF = {
    "companies": _companies,
    "contacts": _contacts,
    "deals": _deals,
    "tasks": _tasks,
    "contactNotes": _contact_notes,
    "dealNotes": _deal_notes,
}


def _types(given: Inputs) -> dict[str, pl.Expr]:
    known = _keys(given, "activity_types", "legacy_type")
    return {
        **{f"type {name}": pl.col("type") == name for name in known},
        "unknown type": ~pl.col("type").is_in(known),
        "without type": pl.col("type").is_null(),
    }


def _notes() -> dict[str, pl.Expr]:
    attached = pl.col("attachments").list.len().fill_null(0) > 0
    return {"with attachments": attached, "without attachments": ~attached, "without date": pl.col("date").is_null()}


def _texts() -> dict[str, pl.Expr]:
    text = pl.col("text")
    return {
        "blank text": text.str.strip_chars() == "",
        "without text": text.is_null(),
        "several lines": text.str.contains("\n", literal=True),
        "special characters": text.str.contains(_SPECIAL),
        "longest text": _longest("text"),
    }


def _longest(column: str) -> pl.Expr:
    length = pl.col(column).str.len_bytes()
    return length == length.max()


def _odd(column: str) -> pl.Expr:
    return (pl.col(column) < _1970) | (pl.col(column) >= _2101)


def _keys(given: Inputs, table: str, column: str) -> list[object]:
    found = given.tables[table]
    at = [one.name for one in found.columns].index(column)
    return sorted({row[at] for row in found.rows if row[at] is not None}, key=repr)
