"""What several checks begin with is read once (issue 4, speed).

Checks that unfold the same array, or look at the same rows in the same way first, say so with the same words: a CTE
over one table. It becomes a table of the session before the first of them, and goes after the last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from crm_migrate import duck
from crm_migrate.duck import Session

_DEAR = (exp.Unnest, exp.Explode, exp.RegexpLike)  # any other beginning is read as fast as a copy of it


@dataclass(frozen=True, slots=True)
class Prepared:
    """A query of DuckDB's that may rest on tables of the session.

    Attributes:
        before: tables to make first, each with its query.
        after: tables that no later query needs.
    """

    query: str
    before: tuple[tuple[str, str], ...]
    after: tuple[str, ...]


def prepare(session: Session, queries: Sequence[tuple[str, str]]) -> tuple[Prepared, ...]:
    """The queries of PostgreSQL's in their order, translated, and what they share taken out of them.

    Args:
        session: where the relations stand that they ask for.
        queries: each with the file or name for the error text.

    Raises:
        MigrationError: SQLGlot cannot read one.
    """
    known = duck.relations(session)
    trees = [duck.tree(session, query, origin=origin, known=known) for query, origin in queries]
    beginnings = [{_text(part.this): part for part in tree.ctes if _is_beginning(part.this)} for tree in trees]
    uses = Counter(text for found in beginnings for text in found)
    names = {text: f"temp.shared_{number}" for number, text in enumerate(uses) if uses[text] > 1}
    last = {text: position for position, found in enumerate(beginnings) for text in found}
    made: set[str] = set()
    prepared: list[Prepared] = []
    for position, (tree, found) in enumerate(zip(trees, beginnings, strict=True)):
        common = {text: part for text, part in found.items() if text in names}
        for text, part in common.items():
            part.set("this", exp.select("*").from_(names[text]))
        prepared.append(
            Prepared(
                query=_text(tree),
                before=tuple((names[text], text) for text in common if text not in made),
                after=tuple(names[text] for text in common if last[text] == position),
            )
        )
        made |= set(common)
    return tuple(prepared)


def _is_beginning(query: Any) -> bool:
    """Whether it is a SELECT over one table of a schema that takes longer than to read its result."""
    source = query.args.get("from_")
    return (
        source is not None
        and isinstance(source.this, exp.Table)
        and bool(source.this.db)
        and not query.args.get("joins")
        and query.find(*_DEAR) is not None
    )


def _text(tree: Any) -> str:
    return str(tree.sql("duckdb", comments=False))
