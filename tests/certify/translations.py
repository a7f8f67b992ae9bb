"""SQLGlot's translations, remembered from one process to the next: the same text a second time is no new proof."""

from __future__ import annotations

from typing import Any

from crm_migrate import duck

Memo = dict[tuple[str, str], str]


def remembered(memo: Memo | None = None) -> Memo:
    """Answer translations from `memo`, and fill it; returns it."""
    known_ones: Memo = {} if memo is None else memo
    translate = duck.translate

    def remembering(connection: duck.Session, query: str, *, origin: str, known: Any = None) -> str:
        schema = duck.relations(connection) if known is None else known
        key = (query, repr(schema.mapping))
        if key not in known_ones:
            known_ones[key] = translate(connection, query, origin=origin, known=schema)
        return known_ones[key]

    duck.translate = remembering
    return known_ones


def remember(memo: Memo) -> None:
    """Answer translations from `memo` in this process and its forks."""
    remembered(memo)
