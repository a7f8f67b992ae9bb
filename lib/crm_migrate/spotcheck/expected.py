"""What must have become of a record, worked out in Python as target-schema.md says it; no SQL, and none of the models.

Every field names the columns of the source that it comes of, so that a difference can show them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from crm_migrate.postgres import SOURCE_COLUMNS
from crm_migrate.spotcheck.facts import Facts
from crm_migrate.spotcheck.sample import Record
from crm_migrate.spotcheck.source import Row

_CLOSED = ("closed_won", "closed_lost")
_RENAMED = {("deals", "stage"): "legacy_stage", ("dealNotes", "deal_id"): "opportunity_id"}
_NOW = {"deals": "opportunities", "dealNotes": "opportunityNotes"}


@dataclass(frozen=True, slots=True)
class Made:
    """The value of a field, and the columns of the followed record that it comes of."""

    value: Any
    of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expected:
    """The living rows that a relation must have where these columns have these values: these rows and no others.

    Attributes:
        relation: schema-qualified.
        identity: columns that tell the rows apart.
        rows: the fields that are compared, the same in every row.
    """

    relation: str
    where: Mapping[str, int | str]
    identity: tuple[str, ...]
    rows: tuple[Mapping[str, Made], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that have to be read."""
        return tuple(dict.fromkeys([*self.identity, *(column for row in self.rows for column in row)]))


def expectations(
    record: Record, facts: Facts, *, rejected: frozenset[tuple[str, int]], taken: frozenset[tuple[str, int]]
) -> tuple[Expected, ...]:
    """Everything that must have become of a record.

    Args:
        rejected: (model, key of its driving row) of what was set aside: it made no row of a table of its own, and
            filled no column of its record.
        taken: the same of what was set aside once and taken in later: mended since, it tells nothing.
    """
    row = facts.row(record)
    made = [_unchanged(record, row)]
    for models, make in _MAKES.get(record.table, ()):
        expected = make(row, facts)
        if any((model, record.key) in taken for model in models):
            continue
        aside = [model for model in models if (model, record.key) in rejected]
        if not aside:
            made.append(expected)
        elif "id" not in expected.where and len(models) == 1:
            made.append(replace(expected, rows=()))
    return tuple(made)


def _unchanged(record: Record, row: Row) -> Expected:
    """Legacy columns keep their values, under their new names."""
    fields = {
        _RENAMED.get((record.table, column), column): Made(row[column], (column,))
        for column in SOURCE_COLUMNS[record.table].split()
    }
    return _one(f"public.{_NOW.get(record.table, record.table)}", record.key, fields)


def _company(row: Row, facts: Facts) -> Expected:
    said = facts.first("organizations", "company_id", row["id"])
    kind = said.get("organization_type")
    if kind is None and said.get("is_principal"):
        kind = "principal"
    if kind is None and said.get("is_distributor"):
        kind = "distributor"
    if kind is None:
        kind = "customer" if row["id"] in facts.customers else "prospect"
    of = ("id",)
    return _one(
        "public.companies",
        row["id"],
        {
            "organization_type": Made(kind, of),
            "is_principal": Made(bool(said.get("is_principal")) or said.get("organization_type") == "principal", of),
            "is_distributor": Made(
                bool(said.get("is_distributor")) or said.get("organization_type") == "distributor", of
            ),
            "parent_company_id": Made(said.get("parent_company_id"), of),
            "segment": Made(_or(said.get("segment"), "Standard"), of),
            "priority": Made(_or(said.get("priority"), "C"), of),
            "deleted_at": Made(None),
        },
    )


def _products(row: Row, facts: Facts) -> Expected:
    of = ("id",)
    return _several(
        "public.products",
        "principal_id",
        row["id"],
        ("name", "sku"),
        [
            {
                "created_by": Made(row["sales_id"], ("sales_id",)),
                **{
                    column: Made(line[column], of)
                    for column in ("name", "description", "sku", "category", "unit_price", "unit_cost")
                },
                "is_active": Made(_or(line["is_active"], True), of),
                "min_order_quantity": Made(_or(line["min_order_quantity"], 1), of),
            }
            for line in facts.inputs["products"]
            if line["principal_id"] == row["id"]
        ],
    )


def _distributors(row: Row, facts: Facts) -> Expected:
    """What relationships.csv says, and each pair that meets on an opportunity and is not in it."""
    of = ("id",)
    created = Made(row["sales_id"], ("sales_id",))
    lines = [line for line in facts.inputs["relationships"] if line["principal_id"] == row["id"]]
    met = {
        line["distributor_id"]
        for line in facts.inputs["opportunity_roles"]
        if line["principal_id"] == row["id"]
        and line["distributor_id"] is not None
        and line["opportunity_id"] in facts.deals_with_roles
    }
    plain = ("commission_rate", "notes", "start_date", "end_date")
    return _several(
        "public.principal_distributor_relationships",
        "principal_id",
        row["id"],
        ("distributor_id", "relationship_status", "start_date"),
        [
            {
                "distributor_id": Made(line["distributor_id"], of),
                "created_by": created,
                "relationship_status": Made(_or(line["relationship_status"], "active"), of),
                **{column: Made(line[column], of) for column in plain},
            }
            for line in lines
        ]
        + [
            {
                "distributor_id": Made(distributor, of),
                "created_by": created,
                "relationship_status": Made("active", of),
                **{column: Made(None, of) for column in plain},
            }
            for distributor in sorted(met - {line["distributor_id"] for line in lines})
        ],
    )


def _contact(row: Row, _facts: Facts) -> Expected:
    fields = {"company_id_backup": Made(row["company_id"], ("company_id",)), "deleted_at": Made(None)}
    return _one("public.contacts", row["id"], fields)


def _memberships(row: Row, facts: Facts) -> Expected:
    """Its company first, and with the setting each other company on whose deals it stands."""
    own = row["company_id"]
    others = sorted(facts.companies_of.get(row["id"], set()) - {own})
    return _several(
        "public.contact_organizations",
        "contact_id",
        row["id"],
        ("organization_id",),
        [
            {
                "organization_id": Made(company, ("company_id",)),
                "created_by": Made(row["sales_id"], ("sales_id",)),
                "is_primary_contact": Made(company == own, ("company_id",)),
                "is_primary_decision_maker": Made(False),
                "role": Made(None),
                "purchase_influence": Made("Unknown"),
                "relationship_start_date": Made(
                    row["first_seen"].day() if company == own and row["first_seen"] else None, ("first_seen",)
                ),
                "relationship_end_date": Made(None),
            }
            for company in ([] if own is None else [own]) + others
        ],
    )


def _advocacy(row: Row, facts: Facts) -> Expected:
    of = ("id",)
    return _several(
        "public.contact_preferred_principals",
        "contact_id",
        row["id"],
        ("principal_organization_id",),
        [
            {
                "principal_organization_id": Made(line["principal_organization_id"], of),
                "created_by": Made(row["sales_id"], ("sales_id",)),
                "advocacy_strength": Made(_or(line["advocacy_strength"], 5), of),
                "advocacy_notes": Made(line["advocacy_notes"], of),
                "relationship_type": Made(line["relationship_type"], of),
            }
            for line in facts.inputs["advocacy"]
            if line["contact_id"] == row["id"]
        ],
    )


def _opportunity(row: Row, facts: Facts) -> Expected:
    stage = facts.mapped("stages", "legacy_stage", row["stage"], "stage", "lead")
    roles = facts.first("opportunity_roles", "opportunity_id", row["id"])
    closing, updated = row["expected_closing_date"], row["updated_at"]
    return _one(
        "public.opportunities",
        row["id"],
        {
            "stage": Made(stage, ("stage",)),
            "status": Made(facts.mapped("stages", "legacy_stage", row["stage"], "status", "active"), ("stage",)),
            "priority": Made("medium"),
            "probability": Made(facts.first("probabilities", "stage", stage).get("probability"), ("stage",)),
            "estimated_close_date": Made(closing.day() if closing else None, ("expected_closing_date",)),
            "actual_close_date": Made(updated.day() if updated and stage in _CLOSED else None, ("stage", "updated_at")),
            "customer_organization_id": Made(row["company_id"], ("company_id",)),
            "principal_organization_id": Made(roles.get("principal_id"), ("id",)),
            "distributor_organization_id": Made(roles.get("distributor_id"), ("id",)),
            "original_company_id": Made(row["company_id"], ("company_id",)),
            "founding_interaction_id": Made(None),
            "stage_manual": Made(False),
            "status_manual": Made(False),
            "deleted_at": Made(None),
        },
    )


def _participants(row: Row, facts: Facts) -> Expected:
    roles = facts.first("opportunity_roles", "opportunity_id", row["id"])
    parts = {
        "customer": row["company_id"],
        "principal": roles.get("principal_id"),
        "distributor": roles.get("distributor_id"),
    }
    return _several(
        "public.opportunity_participants",
        "opportunity_id",
        row["id"],
        ("role",),
        [
            {
                "role": Made(role, ("id",)),
                "organization_id": Made(organization, ("company_id",) if role == "customer" else ("id",)),
                "created_by": Made(row["sales_id"], ("sales_id",)),
                "is_primary": Made(True),
            }
            for role, organization in parts.items()
            if organization is not None
        ],
    )


def _task(row: Row, facts: Facts) -> Expected:
    done, due = row["done_date"], row["due_date"]
    kind = facts.mapped("activity_types", "legacy_type", row["type"], "type", "check_in")
    return _activity(
        row,
        facts,
        "tasks",
        {
            "activity_type": Made("engagement"),
            "type": Made(kind, ("type",)),
            "subject": Made(_subject(row["text"], row["type"], "Task"), ("text", "type")),
            "contact_id": Made(row["contact_id"], ("contact_id",)),
            "organization_id": Made(facts.company_of(row["contact_id"]), ("contact_id",)),
            "opportunity_id": Made(None),
            "follow_up_required": Made(done is None, ("done_date",)),
            "activity_date": Made(done or due, ("done_date", "due_date")),
            "follow_up_date": Made(due.day() if due and done is None else None, ("done_date", "due_date")),
            "attachments": Made(None),
        },
    )


def _contact_note(row: Row, facts: Facts) -> Expected:
    return _activity(
        row,
        facts,
        "contactNotes",
        {
            "activity_type": Made("engagement"),
            "type": Made("check_in"),
            "subject": Made(_subject(row["text"], None, "Note"), ("text",)),
            "contact_id": Made(row["contact_id"], ("contact_id",)),
            "organization_id": Made(facts.company_of(row["contact_id"]), ("contact_id",)),
            "opportunity_id": Made(None),
            **_of_note(row),
        },
    )


def _deal_note(row: Row, facts: Facts) -> Expected:
    known = "Call" if (row["type"] or "").startswith("Call") else row["type"]
    kind = facts.mapped("activity_types", "legacy_type", known, "type", "check_in")
    return _activity(
        row,
        facts,
        "dealNotes",
        {
            "activity_type": Made("interaction"),
            "type": Made(kind, ("type",)),
            "subject": Made(_subject(row["text"], row["type"], "Note"), ("text", "type")),
            "contact_id": Made(None),
            "organization_id": Made(facts.customer_of(row["deal_id"]), ("deal_id",)),
            "opportunity_id": Made(row["deal_id"], ("deal_id",)),
            **_of_note(row),
        },
    )


def _of_note(row: Row) -> dict[str, Made]:
    return {
        "follow_up_required": Made(False),
        "activity_date": Made(row["date"], ("date",)),
        "follow_up_date": Made(None),
        "attachments": Made(row["attachments"], ("attachments",)),
    }


def _activity(row: Row, facts: Facts, table: str, fields: dict[str, Made]) -> Expected:
    """The one activity of a task or note."""
    whole = {
        "description": Made(row["text"], ("text",)),
        "created_by": Made(facts.user(row["sales_id"]), ("sales_id",)),
        **fields,
    }
    return Expected("public.activities", {"source_table": table, "source_id": row["id"]}, (), (whole,))


def _subject(text: str | None, kind: str | None, name: str) -> str:
    """First line of the text, cut at 200 characters; if blank, the type; if none, what it is."""
    first = (text or "").split("\n")[0].rstrip("\r")
    for candidate in (first, kind or ""):
        if candidate.strip(" \t"):
            return candidate[:200]
    return name


_MAKES: Mapping[str, tuple[tuple[tuple[str, ...], Callable[[Row, Facts], Expected]], ...]] = {
    "companies": (
        (("companies",), _company),
        (("products",), _products),
        (
            ("principal_distributor_relationships", "principal_distributor_relationships_from_opportunities"),
            _distributors,
        ),
    ),
    "contacts": (
        (("contacts",), _contact),
        (("contact_organizations", "contact_organizations_from_deals"), _memberships),
        (("contact_preferred_principals",), _advocacy),
    ),
    "deals": ((("opportunities",), _opportunity), (("opportunity_participants",), _participants)),
    "tasks": ((("activities_from_tasks",), _task),),
    "contactNotes": ((("activities_from_contact_notes",), _contact_note),),
    "dealNotes": ((("activities_from_deal_notes",), _deal_note),),
}


def _one(relation: str, key: int, fields: Mapping[str, Made]) -> Expected:
    return Expected(relation, {"id": key}, ("id",), ({"id": Made(key, ("id",)), **fields},))


def _several(relation: str, column: str, key: int, identity: tuple[str, ...], made: list[dict[str, Made]]) -> Expected:
    return Expected(relation, {column: key}, identity, tuple(made))


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value
