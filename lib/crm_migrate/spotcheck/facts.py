"""What the followed records refer to, and the analyst's files: read once for all records together."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import polars as pl

from crm_migrate.inputs import Inputs
from crm_migrate.postgres import SOURCE_COLUMNS
from crm_migrate.snapshot import Snapshot
from crm_migrate.spotcheck import values
from crm_migrate.spotcheck.sample import Record
from crm_migrate.spotcheck.source import Row, rows, scan
from crm_migrate.spotcheck.values import EPOCH


class Facts:
    """The followed records, what they refer to, and the analyst's files, each read once for all records together."""

    def __init__(self, before: Snapshot, given: Inputs, records: tuple[Record, ...]) -> None:
        self._rows: dict[str, dict[int, Row]] = {
            table: {row["id"]: row for row in rows(before, table, "id", self._keys(records, table))}
            for table in before.rows
            if table in SOURCE_COLUMNS
        }
        people = {row["contact_id"] for table in ("tasks", "contactNotes") for row in self._rows[table].values()}
        self._contacts = _by_id(before, "contacts", people)
        self._deals = _by_id(before, "deals", {row["deal_id"] for row in self._rows["dealNotes"].values()})
        owners = {row.get("sales_id") for table in self._rows.values() for row in table.values()}
        self.users = set(_by_id(before, "sales", owners))
        self.customers = {row["company_id"] for row in rows(before, "deals", "company_id", self._rows["companies"])}
        self.inputs = {name: _records(given, name) for name in given.tables}
        roles = [row["opportunity_id"] for row in self.inputs["opportunity_roles"]]
        self.deals_with_roles = set(_by_id(before, "deals", roles))
        linked = {row["name"]: row["value"] for row in self.inputs["options"]}.get("link_deal_contacts", False)
        self.companies_of = _on_deals(before, set(self._rows["contacts"])) if linked else {}

    @staticmethod
    def _keys(records: tuple[Record, ...], table: str) -> set[int]:
        return {record.key for record in records if record.table == table}

    def row(self, record: Record) -> Row:
        """The record itself."""
        return self._rows[record.table][record.key]

    def company_of(self, contact_id: int | None) -> int | None:
        """The company of a contact that a followed task or note names."""
        return None if contact_id not in self._contacts else self._contacts[contact_id]["company_id"]

    def customer_of(self, deal_id: int | None) -> int | None:
        """The company of a deal that a followed note names."""
        return None if deal_id not in self._deals else self._deals[deal_id]["company_id"]

    def user(self, sales_id: int | None) -> int | None:
        """A user that exists, or None."""
        return sales_id if sales_id in self.users else None

    def first(self, table: str, column: str, value: object) -> Row:
        """The line of an input about `value`; empty where there is none."""
        return next((row for row in self.inputs[table] if row[column] == value), {})

    def mapped(self, table: str, column: str, value: object, result: str, default: str) -> str:
        """What a mapping makes of `value`, or `default`."""
        return str(self.first(table, column, value).get(result, default))


def _by_id(before: Snapshot, table: str, ids: Iterable[int | None]) -> dict[int, Row]:
    return {row["id"]: row for row in rows(before, table, "id", (key for key in ids if key is not None))}


def _records(given: Inputs, name: str) -> list[dict[str, Any]]:
    """The lines of an input in the form of `values`."""
    table = given.tables[name]
    names = [column.name for column in table.columns]
    return [dict(zip(names, map(_value, row), strict=True)) for row in table.rows]


def _value(value: Any) -> Any:
    return values.day((value - EPOCH).days) if isinstance(value, date) else value


def _on_deals(before: Snapshot, contacts: set[int]) -> dict[int, set[int]]:
    """The companies on whose deals each of these contacts stands."""
    named = (
        scan(before, "deals")
        .filter(pl.col("company_id").is_not_null())
        .select("company_id", contact_id=pl.col("contact_ids"))
        .explode("contact_id")
        .filter(pl.col("contact_id").is_in(sorted(contacts)))
        .unique()
        .collect()
    )
    found: dict[int, set[int]] = {}
    for company, contact in named.iter_rows():
        found.setdefault(contact, set()).add(company)
    return found
