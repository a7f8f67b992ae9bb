"""The entries of a data dictionary, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Origin = Literal["legacy", "renamed", "filled", "generated", "default", "users", "computed", "new", "customer"]
"""Where something comes from.

legacy: as it was; renamed: as it was, under another name; filled: by a model; generated: numbered or computed by the
database; default: by its default until somebody writes it; users: only by users; computed: of a view; new: made by the
migration; customer: somebody else's, which the migration left alone.
"""


@dataclass(frozen=True, slots=True)
class Filling:
    """A model that fills a column, and the expression by which it does."""

    model: str
    expression: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table or view.

    Attributes:
        source: the old name, the default, the generating or a view's expression, as the origin is; may be empty.
        filled_by: the models, in order of the plan; empty unless the origin is `filled`.
        references: what a foreign key points to, `companies.id`; may be empty.
    """

    name: str
    type: str
    nullable: bool
    meaning: str
    origin: Origin
    source: str
    filled_by: tuple[Filling, ...]
    references: str


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view of schema public; `source` is its old name where it has been renamed."""

    name: str
    kind: str
    meaning: str
    origin: Origin
    source: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Enumeration:
    """An enumerated type with its values in order."""

    name: str
    values: tuple[str, ...]
    meaning: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Function:
    """A function of schema public."""

    name: str
    arguments: str
    returns: str
    meaning: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger on a table of schema public, or elsewhere with a function of it; `fires` is when, in SQL."""

    table: str
    name: str
    fires: str
    function: str
    meaning: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Dictionary:
    """All of it, in order of names."""

    database: str
    server_version: str
    relations: tuple[Relation, ...]
    enumerations: tuple[Enumeration, ...]
    functions: tuple[Function, ...]
    triggers: tuple[Trigger, ...]

    @property
    def without_meaning(self) -> tuple[str, ...]:
        """What of the target nobody has said the meaning of; a customer's own things are the customer's to explain."""
        told: list[tuple[str, str, Origin]] = []
        for relation in self.relations:
            told.append((f"relation {relation.name}", relation.meaning, relation.origin))
            if relation.origin != "customer":
                told += [(f"column {relation.name}.{c.name}", c.meaning, c.origin) for c in relation.columns]
        told += [(f"type {kind.name}", kind.meaning, kind.origin) for kind in self.enumerations]
        told += [(f"function {function.name}", function.meaning, function.origin) for function in self.functions]
        told += [(f"trigger {t.table}.{t.name}", t.meaning, t.origin) for t in self.triggers]
        return tuple(name for name, meaning, origin in told if origin != "customer" and not meaning)
