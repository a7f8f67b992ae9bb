"""How things will hang together after the migration, counted on the predicted tables (B2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from crm_migrate import network, personal
from crm_migrate.duck import Session
from crm_migrate.network import Network

Counts = tuple[tuple[int, int], ...]
"""How many related rows, and how many rows have that many."""

_BY_TYPE = (
    ("companies", "organization_type"),
    ("opportunities", "stage"),
    ("opportunity_participants", "role"),
    ("contact_organizations", "case when is_primary_contact then 'primary' else 'other' end"),
    ("contact_preferred_principals", "coalesce(relationship_type, 'not said')"),
    ("activities", "type"),
    ("products", "coalesce(category, 'not said')"),
    ("principal_distributor_relationships", "relationship_status"),
)
NO_DATE, ODD_DATE = "no date", "odd date"


@dataclass(frozen=True, slots=True)
class Relationships:
    """How contacts, opportunities and activities will hang together.

    Attributes:
        contacts_by_organizations: (organisations, contacts that belong to so many); the contacts of none come first.
        opportunities_by_participants: (participants, opportunities that have so many).
        activities_by_month: (year and month in UTC, interaction type, activities); one without a date is of NO_DATE,
            one before 1970 or after 2100 of ODD_DATE.
        entities: (target, type, rows): what there will be of each type.
        network: which organisations meet on opportunities.
    """

    contacts_by_organizations: Counts = ()
    opportunities_by_participants: Counts = ()
    activities_by_month: tuple[tuple[str, str, int], ...] = ()
    entities: tuple[tuple[str, str, int], ...] = ()
    network: Network = field(default_factory=Network)


def relationships(session: Session) -> Relationships:
    """Count what stands under the targets' names in a session in which every model has run."""
    return Relationships(
        contacts_by_organizations=_counts(session, "contacts", "contact_organizations", "contact_id"),
        opportunities_by_participants=_counts(session, "deals", "opportunity_participants", "opportunity_id"),
        activities_by_month=_by_month(session),
        entities=tuple(row for target, kind in _BY_TYPE for row in _of_type(session, target, kind)),
        network=network.network(session),
    )


def stages(session: Session) -> tuple[tuple[str, str, int], ...]:
    """How many deals of a legacy stage get which stage, the most frequent first."""
    rows = session.execute(
        "select legacy_stage, stage, count(*) from public.opportunities group by 1, 2 order by 3 desc, 1, 2"
    ).fetchall()
    return tuple((personal.without_contacts(legacy), stage, deals) for legacy, stage, deals in rows)


def _rows(rows: Sequence[Sequence[Any]]) -> Any:
    return tuple(tuple(row) for row in rows)


def _counts(session: Session, source: str, related: str, reference: str) -> Counts:
    counts: Counts = _rows(
        session.execute(
            f"with counted as (select {reference}, count(*) as number from public.{related} group by 1) "
            f"select 0 as number, (select count(*) from source.{source}) - (select count(*) from counted) as rows "
            "union all select number, count(*) from counted group by 1 order by 1"
        ).fetchall()
    )
    return tuple((number, rows) for number, rows in counts if rows)


def _by_month(session: Session) -> tuple[tuple[str, str, int], ...]:
    month = (
        f"case when activity_date is null then '{NO_DATE}' "
        f"when activity_date < timestamptz '1970-01-01 00:00+00' or activity_date >= timestamptz '2101-01-01 00:00+00' "
        f"then '{ODD_DATE}' else strftime(activity_date, '%Y-%m') end"
    )
    return _rows(  # type: ignore[no-any-return]
        session.execute(f"select {month}, type, count(*) from public.activities group by 1, 2 order by 1, 2").fetchall()
    )


def _of_type(session: Session, target: str, kind: str) -> tuple[tuple[str, str, int], ...]:
    rows = session.execute(
        f"select {kind}, count(*) from public.{target} where {kind} is not null group by 1 order by 2 desc, 1"
    ).fetchall()
    return tuple((target, personal.without_contacts(name), number) for name, number in rows)
