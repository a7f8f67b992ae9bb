"""Which of several models with one target made a predicted row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crm_migrate import duck
from crm_migrate.catalog import Model
from crm_migrate.dictionary import expressions
from crm_migrate.duck import Session, literal, quoted

Row = Mapping[str, Any]


def of(session: Session, candidates: Sequence[Model], row: Row) -> Model | None:
    """The model that made a row: by its constant columns, and where several have the same, by asking them in order.

    Args:
        session: holds the source and the inputs.
        candidates: the models of the target that the row's record drives, in the plan's order.
        row: with all its columns, as JSON holds them.

    Returns:
        None where no candidate has the row's constants: a record of another table with the same id made it.
    """
    possible = [model for model in candidates if _can_have_made(model, row)]
    return next((model for model in possible[:-1] if _makes(session, model, row)), possible[-1] if possible else None)


def _can_have_made(model: Model, row: Row) -> bool:
    """Whether a row has the constants of a model, and nothing that the model does not give."""
    how = expressions.shown(model.sql)
    constants = {column: text for column, text in how.items() if text.startswith("'") or text in ("TRUE", "FALSE")}
    return all(_constant(row[column]) == text for column, text in constants.items()) and all(
        value is None for column, value in row.items() if column not in how
    )


def _constant(value: object) -> str:
    return str(value).upper() if isinstance(value, bool) else literal(value)


def _makes(session: Session, model: Model, row: Row) -> bool:
    query = duck.translate(session, model.sql, origin=str(model.path))
    same = " and ".join(
        f"cast({quoted(column)} as varchar) is not distinct from "
        + ("null" if row[column] is None else literal(row[column]))
        for column in model.key
    )
    found = duck.execute(session, f"select 1 from ({query}) where {same} limit 1", origin=str(model.path))
    return found.fetchone() is not None
