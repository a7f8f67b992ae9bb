"""Which values tell of a person, and what is shown in their place (F2).

Addresses and phone numbers that stray into other columns are masked wherever they stand.

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
_DIGITS = re.compile(r"(?<![\w.+])[+(]?\d(?:[\d \t\u00a0()./-]*\d)?(?!\w)")
_NO_PHONE = re.compile(
    r"\d{4}[-./]\d{1,2}[-./]\d{1,2}(?!\d).*"  # a date
    r"|\d{1,2}[-./]\d{1,2}[-./]\d{4}(?!\d).*"
    r"|(?:19|20)\d\d(?:[ ./-]+(?:19|20)\d\d)+"  # years
    r"|\d{5}-\d{4}"  # a ZIP code
    r"|\d{1,3}(?:\.\d{3})+"  # thousands
    r"|\d+\.\d+"  # a decimal
)
_QUOTED = re.compile(r"'(?:[^']|'')*'")
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
                key(name): part if name in _SHOWN_KEYS and part == without_contacts(str(part)) else masked(part)
                for name, part in value.items()
            }
        case list() | tuple():
            return [masked(part) for part in value]
    return value


def key(name: str) -> str:
    """The key of a JSON object: shown where it is a plain word, as programs write it."""
    return name if _NAME.fullmatch(name) else _masked_text(name)


def veiled(table: str, column: str, kind: str, value: object) -> object:
    """A value as it may be shown: masked where its column is personal, else without what strays into it."""
    if is_personal(table, column, kind):
        return masked(value)
    return without_contacts(value) if isinstance(value, str) and not kind.lower().startswith(_PLAIN) else value


def without_contacts(text: str) -> str:
    """A text that a person typed, with every e-mail address and what looks like a phone number in it masked."""
    masked = _EMAIL.sub(lambda found: _masked_text(found.group()), text)
    return _DIGITS.sub(lambda found: f"{found[0][0]}…" if _is_phone(found[0]) else found[0], masked)


def without_addresses(sentence: str) -> str:
    """A sentence of a check with every e-mail address masked, and every phone number in what it quotes.

    A number that it does not quote is a key or a figure.
    """
    masked = _EMAIL.sub(lambda found: _masked_text(found.group()), sentence)
    return _QUOTED.sub(lambda found: without_contacts(found[0]), masked)


def without_quotes(message: str) -> str:
    """What an engine says of an error, without what it quotes of the data."""
    return _QUOTED.sub("'…'", message)


def _is_phone(digits: str) -> bool:
    """Seven to fifteen digits, written as nobody writes an amount, a date or an id."""
    number = sum(digit.isdigit() for digit in digits)
    if not 7 <= number <= 15 or _NO_PHONE.fullmatch(digits):
        return False
    return number >= 10 or number < len(digits) or digits.startswith("0")


def _masked_text(text: str) -> str:
    stripped = text.strip()
    if not stripped:
        return text
    first = stripped[0] if len(stripped) > 1 else ""
    return f"{first}…@…" if _EMAIL.fullmatch(stripped) else f"{first}…"
