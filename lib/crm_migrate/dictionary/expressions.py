"""What a column of a SELECT shows, in words of SQL: the column of a table that it passes on, or its expression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import Scope, build_scope


def shown(query: str) -> Mapping[str, str]:
    """Output column → what it shows, in order: `companies.name` for a column that is passed on, else its expression.

    Only schema public is left out of names. A query that SQLGlot does not understand shows nothing.
    """
    if not query:
        return {}
    try:
        scope = build_scope(sqlglot.parse_one(query, read="postgres"))
    except (SqlglotError, LookupError, TypeError, ValueError, RecursionError):
        return {}  # a customer's view may say what SQLGlot does not know; a page must not keep the window closed
    if scope is None or not isinstance(scope.expression, exp.Select):
        return {}
    return {
        projection.alias_or_name: _passed_on(scope, projection.unalias()) for projection in scope.expression.selects
    }


def _passed_on(scope: Scope, expression: Any) -> str:
    """Follow a column through subqueries and CTEs down to its table."""
    if isinstance(expression, exp.Column) and (source := _source(scope, expression)) is not None:
        if isinstance(source, Scope):
            inner: Any = source.expression
            for projection in inner.selects:
                if projection.alias_or_name == expression.name:
                    return _passed_on(source, projection.unalias())
        else:
            return f"{source.db}.{source.name}.{expression.name}".removeprefix("public.")
    return _text(scope, expression)


def _source(scope: Scope, column: Any) -> Any:
    name = column.table or (next(iter(scope.selected_sources)) if len(scope.selected_sources) == 1 else "")
    return scope.sources.get(name)


def _text(scope: Scope, expression: Any) -> str:
    only = next(iter(scope.selected_sources)) if len(scope.selected_sources) == 1 else None

    def named(node: Any) -> Any:
        """Say which table a column is of, where the query did not have to; and leave schema public out."""
        if isinstance(node, exp.Column) and not node.table and only is not None and not node.find_ancestor(exp.Select):
            return exp.column(node.name, table=only)
        if isinstance(node, exp.Table) and node.db == "public":
            node.set("db", None)
        return node

    text: str = expression.copy().transform(named).sql("postgres", comments=False, normalize_functions="lower")
    return text.replace("public.", "")
