"""Which values tell of a person, and what is shown in their place (F2).

Numbers, truth values and times are shown: an id leads nowhere without the database. Of texts and JSON only what stands
in the list below is shown; so a column that a customer added is masked until somebody says that it is harmless.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

HARMLESS: Mapping[str, frozenset[str]] = {
    table: frozenset(columns.split())
    for table, columns in {
        "companies": "name sector linkedin_url website zipcode city stateAbbr country revenue organization_type "
        "segment priority",
        "contacts": "gender title status department",
        "contactNotes": "status",
        "dealNotes": "type",
        "deals": "name category stage",
        "opportunities": "name category stage legacy_stage status priority",
        "opportunityNotes": "type",
        "tags": "name color",
        "tags_color_backup": "name color",
        "tasks": "type",
        "contact_organizations": "role purchase_influence decision_authority",
        "contact_preferred_principals": "relationship_type purchase_influence_for_principal",
        "opportunity_participants": "role territory",
        "opportunity_products": "product_name product_category",
        "activities": "activity_type type sentiment source_table",
        "interaction_participants": "role",
        "products": "name sku category",
        "principal_distributor_relationships": "relationship_status",
    }.items()
}
"""Columns whose texts are words of a list or of the business, by table, under its old and its new name."""

_PLAIN = (  # beginnings of types, as either engine writes them
    *("smallint", "integer", "bigint", "hugeint", "numeric", "decimal", "real", "double", "float", "boolean"),
    *("date", "timestamp", "time"),
)
_EMAIL = re.compile(r"[^\s@'\"<>(),;]+@[^\s@'\"<>(),;]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}")
_SHOWN_KEYS = ("type",)  # of JSON objects: Work, Home, Other, or the kind of a file


def is_personal(table: str, column: str, kind: str) -> bool:
    """Whether the values of a column may tell of a person.

    Args:
        kind: the column's type, as PostgreSQL or DuckDB writes it.
    """
    return not kind.lower().startswith(_PLAIN) and column not in HARMLESS.get(table, frozenset())


def masked(value: object) -> object:
    """A value with every text in it masked: `j…@…` for an address, `J…` for all else; shape and numbers stay."""
    match value:
        case str():
            return _masked_text(value)
        case Mapping():
            return {
                key(name): part if name in _SHOWN_KEYS and part == without_addresses(str(part)) else masked(part)
                for name, part in value.items()
            }
        case list() | tuple():
            return [masked(part) for part in value]
    return value


def key(name: str) -> str:
    """The key of a JSON object: shown where it is a plain word, as programs write it."""
    return name if _NAME.fullmatch(name) else _masked_text(name)


def veiled(table: str, column: str, kind: str, value: object) -> object:
    """A value as it may be shown: masked where its column is personal, else without addresses that stray into it."""
    if is_personal(table, column, kind):
        return masked(value)
    return without_addresses(value) if isinstance(value, str) else value


def without_addresses(sentence: str) -> str:
    """A sentence of a check with every e-mail address in it masked."""
    return _EMAIL.sub(lambda found: _masked_text(found.group()), sentence)


def _masked_text(text: str) -> str:
    stripped = text.strip()
    if not stripped:
        return text
    first = stripped[0] if len(stripped) > 1 else ""
    return f"{first}…@…" if _EMAIL.fullmatch(stripped) else f"{first}…"
