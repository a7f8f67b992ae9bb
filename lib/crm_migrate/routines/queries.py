"""Questions to the queries of a function's body."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from sqlglot import exp

from crm_migrate.routines.statements import Body, Query

_SYSTEM = ("ctid", "xmin", "xmax", "cmin", "cmax", "tableoid")


def results(body: Body, language: str) -> tuple[Query, ...]:
    """The queries whose rows a function returns: in SQL its last one, in PL/pgSQL what follows RETURN QUERY."""
    if language == "sql":
        last = [statement for statement in body.statements if statement.words][-1:]
        return tuple(query for statement in last for query in statement.queries if not query.after)
    return tuple(
        query
        for statement in body.statements
        for query in statement.queries
        if re.search(r"(^|\s)return query$", query.after)
    )


def records(body: Body) -> frozenset[str]:
    """Variables that are declared as a row of contacts or of companies."""
    found = set()
    for statement in body.statements:
        texts = [text for text in statement.texts if text not in ("public", ".")]
        if "declare" in texts:
            texts = texts[texts.index("declare") + 1 :]
        if (
            len(texts) > 1
            and texts[1] in ("contacts", "companies")
            and (texts[2:3] or ["%"])[0] in ("%", ":=", "default")
        ):
            found.add(texts[0])
    return frozenset(found)


def is_open(tree: Any) -> bool:
    """Whether a query gives all columns of something, or one whole row, whatever these are."""
    outputs = _outputs(tree)
    if any(_is_star(output) for output in outputs):
        return True
    tables = {table.alias_or_name for table in tree.find_all(exp.Table)}
    return len(outputs) == 1 and (
        outputs[0].name in tables or not isinstance(outputs[0], exp.Column | exp.Alias | exp.Literal)
    )


def star_of(tree: Any, tables: Sequence[str]) -> str | None:
    """The one of the tables of which a query gives all columns, by way of its CTEs too."""
    for output in _outputs(tree):
        if not _is_star(output):
            continue
        qualifier = output.table if isinstance(output, exp.Column) else ""
        for source in _sources(tree):
            if qualifier and source.alias_or_name != qualifier:
                continue
            if _is_one_of(source, tables):
                return str(source.name)
            inner = _cte(tree, source.name) if isinstance(source, exp.Table) else source.this
            if inner is not None and (found := star_of(inner, tables)):
                return found
    return None


def stars_into_other_columns(tree: Any, tables: Sequence[str]) -> Iterator[str]:
    """Tables of which all columns are inserted elsewhere, or stand beside others in a union."""
    for insert in tree.find_all(exp.Insert):
        target = insert.this.find(exp.Table)
        found = star_of(insert.expression, tables) if insert.expression is not None else None
        if found and (target is None or target.name != found or isinstance(insert.this, exp.Schema)):
            yield found
    for union in tree.find_all(exp.SetOperation):
        sides = {star_of(side, tables) for side in (union.left, union.right)}
        if len(sides) > 1:
            yield from (side for side in sides if side is not None)


def grouped_by_key(tree: Any, views: Sequence[str]) -> Iterator[str]:
    """Views by whose id a query groups while it selects other columns of them."""
    for select in tree.find_all(exp.Select):
        group = select.args.get("group")
        keys = {(key.table, key.name) for key in group.expressions if isinstance(key, exp.Column)} if group else set()
        sources = list(_sources(select))
        for source in sources:
            aliases = {source.alias_or_name} | ({""} if len(sources) == 1 else set())
            if not _is_one_of(source, views) or not keys & {(alias, "id") for alias in aliases}:
                continue
            named = {
                (column.table, column.name)
                for output in select.expressions
                for column in output.find_all(exp.Column)
                if column.table in aliases and column.find_ancestor(exp.AggFunc, exp.Select) is select
            }
            star = any(
                _is_star(output) and getattr(output, "table", "") in {"", *aliases} for output in select.expressions
            )
            if star or {name for _table, name in named} - {name for _table, name in keys}:
                yield str(source.name)


def system_columns(tree: Any, views: Sequence[str]) -> Iterator[str]:
    """System columns of views that a query names."""
    aliases = {table.alias_or_name for table in tree.find_all(exp.Table) if _is_one_of(table, views)}
    for column in tree.find_all(exp.Column):
        if column.name.lower() in _SYSTEM and aliases & {column.table, *([] if column.table else aliases)}:
            yield column.name.lower()


def merged(tree: Any, views: Sequence[str]) -> str | None:
    """The view that a MERGE writes to."""
    merge = tree.find(exp.Merge)
    target = merge.this.find(exp.Table) if merge is not None else None
    return str(target.name) if target is not None and _is_one_of(target, views) else None


def _is_one_of(source: Any, names: Sequence[str]) -> bool:
    """Whether a source is one of these tables, and not its namesake in another schema."""
    return isinstance(source, exp.Table) and source.name in names and source.db in ("", "public")


def _outputs(tree: Any) -> list[Any]:
    if isinstance(tree, exp.SetOperation):
        return _outputs(tree.left)
    if isinstance(tree, exp.Subquery):
        return _outputs(tree.this)
    if isinstance(tree, exp.Select):
        return list(tree.expressions)
    returning = tree.args.get("returning")
    return list(returning.expressions) if returning is not None else []


def _is_star(output: Any) -> bool:
    return isinstance(output, exp.Star) or (isinstance(output, exp.Column) and isinstance(output.this, exp.Star))


def _sources(tree: Any) -> Iterator[Any]:
    """Tables and subqueries of a query's own FROM, or the table that it writes to."""
    if isinstance(tree, exp.SetOperation):
        yield from _sources(tree.left)
    elif isinstance(tree, exp.Select):
        first = tree.args.get("from_")
        yield from ([first.this] if first is not None else []) + [join.this for join in tree.args.get("joins") or ()]
    elif isinstance(tree, exp.Subquery):
        yield from _sources(tree.this)
    elif (target := tree.this.find(exp.Table) if isinstance(tree.this, exp.Expression) else None) is not None:
        yield target


def _cte(tree: Any, name: str) -> Any:
    node = tree
    while node is not None:
        clause = node.args.get("with_")
        for cte in clause.expressions if clause is not None else ():
            if cte.alias == name:
                return cte.this
        node = node.parent
    return None
