"""What may have to be archived, relation by relation, in the order in which it comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Relation:
    """One table of schema public.

    Attributes:
        columns: of a table that stays, the ones that go and that users fill; empty for a table that goes as a whole.
        identity: columns by which a row that the migration made is found again, whatever its id.
        weak: those of them that stay the same where a user edits the row; all, where empty.
        references: columns that name a row of another relation whose ids may be others next time.
        repeated: SQL over `changed` that is true where the next migration makes the row anew out of what stays.
    """

    name: str
    columns: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    references: Mapping[str, str] = field(default_factory=dict)
    repeated: str = "false"

    @property
    def stays(self) -> bool:
        """Whether the table itself is there after the way back."""
        return bool(self.columns)


RELATIONS = (
    Relation(
        "companies",
        columns=(
            "organization_type",
            "is_principal",
            "is_distributor",
            "parent_company_id",
            "segment",
            "priority",
            "deleted_at",
        ),
        identity=("id",),
    ),
    Relation("contacts", columns=("department", "deleted_at"), identity=("id",)),
    Relation(
        "products",
        identity=("principal_id", "name", "sku"),
        weak=("principal_id", "sku"),
    ),
    Relation(
        "activities",
        identity=("source_table", "source_id"),
        repeated="changed.row ->> 'source_table' is not null",
    ),
    Relation(
        "opportunities",
        columns=(
            "stage",
            "status",
            "priority",
            "probability",
            "estimated_close_date",
            "actual_close_date",
            "customer_organization_id",
            "principal_organization_id",
            "distributor_organization_id",
            "founding_interaction_id",
            "stage_manual",
            "status_manual",
            "next_action",
            "next_action_date",
            "competition",
            "decision_criteria",
            "deleted_at",
        ),
        identity=("id",),
        references={"founding_interaction_id": "activities"},
    ),
    Relation(
        "contact_organizations",
        identity=("contact_id", "organization_id"),
        repeated="(changed.row -> 'is_primary_contact') = 'true'",
    ),
    Relation("contact_preferred_principals", identity=("contact_id", "principal_organization_id")),
    Relation(
        "opportunity_participants",
        identity=("opportunity_id", "organization_id", "role"),
        repeated="changed.row ->> 'role' = 'customer'",
    ),
    Relation(
        "principal_distributor_relationships",
        identity=("principal_id", "distributor_id", "relationship_status"),
        weak=("principal_id", "distributor_id"),
    ),
    Relation("opportunity_products", references={"product_id": "products"}),
    Relation("interaction_participants", references={"activity_id": "activities"}),
)
BY_NAME = {relation.name: relation for relation in RELATIONS}
OF_WRITING = ("id", "created_at", "updated_at")
"""Surrogate keys and times of writing: never a difference (design, idea 1)."""
