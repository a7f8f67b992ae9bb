"""Rejects as they were predicted and as they are: what verification must know of rows that were set aside (D3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crm_migrate import duck, history, rejects
from crm_migrate.catalog import Catalog
from crm_migrate.duck import literal
from crm_migrate.postgres import Connection
from crm_migrate.rejects import Readmitted

Keys = frozenset[tuple[str, str]]
"""Driving rows: model and key."""


@dataclass(frozen=True, slots=True)
class Aside:
    """Rejects of a run.

    Attributes:
        predicted: those that the final simulation told of.
        still: those that are set aside now.
        taken: those that were taken in since.
        came: the rows that came of the latter.
    """

    predicted: Keys
    still: Keys
    taken: Keys
    came: tuple[Readmitted, ...]

    @property
    def unforeseen(self) -> Keys:
        """Set aside, and not predicted."""
        return self.still - self.predicted

    @property
    def missing(self) -> Keys:
        """Predicted, and never set aside."""
        return self.predicted - self.still - self.taken

    @property
    def as_predicted(self) -> bool:
        """Whether neither happened."""
        return not (self.unforeseen or self.missing)


def read(connection: Connection, run_id: str, catalog: Catalog, predicted: Path) -> Aside:
    """Lay what the database knows beside `predicted`, the `rejects.parquet` of the final simulation."""
    with duck.session(catalog.prelude, scratch=predicted.parent) as session:
        rows = session.execute(f"select distinct model, key from read_parquet({literal(predicted)})").fetchall()
    came = rejects.readmitted(connection, run_id)
    set_aside = history.rejects(connection, run_id)
    return Aside(
        predicted=frozenset((model, str(key)) for model, key in rows),
        still=frozenset((_model(step), key) for step, keys in set_aside.items() for key in keys),
        taken=frozenset((_model(one.step), one.key) for one in came),
        came=came,
    )


def unpredicted(aside: Aside, catalog: Catalog) -> Mapping[str, tuple[int, ...]]:
    """Rows that are there without a prediction, by target and id, since a reject of their model was predicted.

    They came in later, or stand in the table that the model was to fill and was refused to.
    """
    apart: dict[str, set[int]] = {}
    for one in aside.came:
        if (_model(one.step), one.key) in aside.predicted:
            apart.setdefault(one.relation, set()).update(one.ids)
    for name, key in aside.predicted & aside.still:
        if catalog.models[name].mode == "update":
            apart.setdefault(catalog.models[name].target, set()).add(int(key))
    return {target: tuple(sorted(ids)) for target, ids in apart.items()}


def _model(step: str) -> str:
    return step.removeprefix("load:")
