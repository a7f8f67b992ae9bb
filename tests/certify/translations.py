"""What SQLGlot makes of a text, remembered from one process to the next: the same text again is no new proof."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crm_migrate import duck, shared
from crm_migrate.dictionary import expressions

Memo = dict[tuple[str, ...], Any]
_known: Memo = {}


def remember() -> None:
    """Answer from what is known, in this process and its forks, and know more."""
    translate, shown, prepare = duck.translate, expressions.shown, shared.prepare

    def translated(connection: duck.Session, query: str, *, origin: str, known: Any = None) -> str:
        schema = duck.relations(connection) if known is None else known
        key = (query, repr(schema.mapping))
        if key not in _known:
            _known[key] = translate(connection, query, origin=origin, known=schema)
        return str(_known[key])

    def showing(query: str) -> Any:
        if (query,) not in _known:
            _known[query,] = shown(query)
        return _known[query,]

    def prepared(session: duck.Session, queries: Sequence[tuple[str, str]]) -> tuple[shared.Prepared, ...]:
        key = (repr(queries), repr(duck.relations(session).mapping))
        if key not in _known:
            _known[key] = prepare(session, queries)
        return tuple(_known[key])

    duck.translate, expressions.shown, shared.prepare = translated, showing, prepared


def known() -> Memo:
    """What this process knows, for its parent to learn."""
    return _known


def learn(memo: Memo) -> None:
    """Know what a fork found out."""
    _known.update(memo)
