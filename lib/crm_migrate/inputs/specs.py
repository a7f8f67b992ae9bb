"""What each input file holds: the one list of columns and types from which both engines' tables are made.

Source: target-schema.md, "Analyst's inputs", "Enumerations" and the columns of the targets.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

Value = int | str | bool | Decimal | date | None

STAGES = ("lead", "qualified", "needs_analysis", "proposal", "negotiation", "closed_won", "closed_lost", "nurturing")
_ORGANIZATION_TYPES = ("customer", "principal", "distributor", "prospect", "vendor", "partner", "unknown")
_STATUSES = ("active", "on_hold", "nurturing", "stalled", "expired")
_INTERACTION_TYPES = (
    "call",
    "email",
    "meeting",
    "demo",
    "proposal",
    "follow_up",
    "trade_show",
    "site_visit",
    "contract_review",
    "check_in",
    "social",
)
NEW_TABLES = (
    "contact_organizations",
    "contact_preferred_principals",
    "opportunity_participants",
    "opportunity_products",
    "activities",
    "interaction_participants",
    "products",
    "principal_distributor_relationships",
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an input file and of its table.

    Attributes:
        type: as PostgreSQL and DuckDB both write it.
        values: what a text may be; empty for any.
        low, high: limits of a number, both included.
        default: what a blank optional value becomes.
    """

    name: str
    type: str
    required: bool = False
    values: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    default: Value = None


@dataclass(frozen=True, slots=True)
class Spec:
    """An input file `<name>.csv` and its table `migration.<name>`.

    Attributes:
        unique: columns that together may stand only once.
        shipped: the project brings the file along, and `unique` is the table's primary key; if not, the table begins
            with the line in the file, which is its primary key.
    """

    name: str
    columns: tuple[Column, ...]
    unique: tuple[str, ...]
    shipped: bool = False

    @property
    def file(self) -> str:
        """The name of the file."""
        return f"{self.name}.csv"


LINE = Column("line", "integer", required=True)
OPTIONS = (Column("name", "text", required=True), Column("value", "boolean", required=True))
SPECS = (
    Spec(
        "stages",
        (
            Column("legacy_stage", "text", required=True),
            Column("stage", "text", required=True, values=STAGES),
            Column("status", "text", required=True, values=_STATUSES),
        ),
        unique=("legacy_stage",),
        shipped=True,
    ),
    Spec(
        "probabilities",
        (
            Column("stage", "text", required=True, values=STAGES),
            Column("probability", "smallint", required=True, low=0, high=100),
        ),
        unique=("stage",),
        shipped=True,
    ),
    Spec(
        "activity_types",
        (
            Column("legacy_type", "text", required=True),
            Column("type", "text", required=True, values=_INTERACTION_TYPES),
        ),
        unique=("legacy_type",),
        shipped=True,
    ),
    Spec(
        "organizations",
        (
            Column("company_id", "bigint", required=True),
            Column("organization_type", "text", values=_ORGANIZATION_TYPES),
            Column("is_principal", "boolean"),
            Column("is_distributor", "boolean"),
            Column("parent_company_id", "bigint"),
            Column("segment", "text", default="Standard"),
            Column("priority", "text", values=("A", "B", "C", "D"), default="C"),
        ),
        unique=("company_id",),
    ),
    Spec(
        "opportunity_roles",
        (
            Column("opportunity_id", "bigint", required=True),
            Column("principal_id", "bigint"),
            Column("distributor_id", "bigint"),
        ),
        unique=("opportunity_id",),
    ),
    Spec(
        "products",
        (
            Column("principal_id", "bigint", required=True),
            Column("name", "text", required=True),
            Column("description", "text"),
            Column("sku", "text"),
            Column("category", "text"),
            Column("unit_price", "numeric(14, 2)", low=0),
            Column("unit_cost", "numeric(14, 2)", low=0),
            Column("is_active", "boolean", default=True),
            Column("min_order_quantity", "integer", low=0, default=1),
        ),
        unique=("principal_id", "sku"),
    ),
    Spec(
        "relationships",
        (
            Column("principal_id", "bigint", required=True),
            Column("distributor_id", "bigint", required=True),
            Column("relationship_status", "text", values=("active", "pending", "terminated"), default="active"),
            Column("start_date", "date"),
            Column("end_date", "date"),
            Column("commission_rate", "numeric(5, 4)", low=0, high=1),
            Column("notes", "text"),
        ),
        unique=("principal_id", "distributor_id", "relationship_status"),
    ),
    Spec(
        "advocacy",
        (
            Column("contact_id", "bigint", required=True),
            Column("principal_organization_id", "bigint", required=True),
            Column("advocacy_strength", "smallint", low=1, high=10, default=5),
            Column("advocacy_notes", "text"),
            Column("relationship_type", "text", values=("professional", "personal", "historical", "competitive")),
        ),
        unique=("contact_id", "principal_organization_id"),
    ),
    Spec(
        "policies",
        (
            Column("table_name", "text", required=True, values=NEW_TABLES),
            Column("policy_name", "text", required=True),
            Column("using_expression", "text"),
            Column("check_expression", "text"),
        ),
        unique=("table_name", "policy_name"),
    ),
)
