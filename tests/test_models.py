"""Every model has a case in tests/models/, and both engines give the rows that the case expects."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from conftest import Database
from crm_migrate import batches, catalog, events, history, inputs, plan, postgres, simulate, snapshot
from crm_migrate.catalog import Catalog, Model
from crm_migrate.inputs import Inputs
from crm_migrate.settings import Settings
from crm_migrate.steps import Context

CASES = Path(__file__).parent / "models"
MODELS = sorted(catalog.load().models)


def test_every_model_has_a_case_and_every_case_a_model() -> None:
    assert sorted(path.stem for path in CASES.glob("*.toml")) == MODELS


@pytest.mark.parametrize("name", MODELS)
def test_both_engines_give_the_rows_of_the_case(
    name: str, database: Database, catalog: Catalog, tmp_path: Path
) -> None:
    case = tomllib.loads((CASES / f"{name}.toml").read_text(encoding="utf-8"))
    model = catalog.models[name]
    given = _inputs(case, catalog, tmp_path)
    with postgres.connect(database.admin_url) as admin:
        admin.execute(case["given"].encode())
    taken = snapshot.take(database.url, tmp_path / "snapshot", emit=events.silent)

    expected = _bag(case["expect"], model)
    assert _bag(_in_duckdb(taken, catalog, given, model, tmp_path), model) == expected
    assert _bag(_in_postgres(database, catalog, given, model), model) == expected


def test_models_of_one_target_make_each_column_that_would_get_a_default(catalog: Catalog) -> None:
    """A column that one model leaves to a default and another makes would be predicted as null."""
    by_target: dict[str, list[Model]] = {}
    for model in catalog.models.values():
        by_target.setdefault(model.target, []).append(model)
    defaulted = {"follow_up_required", "relationship_status", "is_primary_contact"}
    for models in by_target.values():
        made = [{word for word in defaulted if f" {word}" in model.sql.split("\nselect")[-1]} for model in models]
        assert all(columns == made[0] for columns in made)


def _inputs(case: dict[str, Any], catalog: Catalog, tmp_path: Path) -> Inputs:
    folder = tmp_path / "inputs"
    folder.mkdir()
    for file, text in case.get("inputs", {}).items():
        (folder / file).write_text(text.strip() + "\n", encoding="utf-8")
    options = {"link_deal_contacts": False, **case.get("options", {})}
    return inputs.load(catalog.root / "mappings", folder, options=options)


def _in_duckdb(
    taken: snapshot.Snapshot, catalog: Catalog, given: Inputs, model: Model, tmp_path: Path
) -> list[dict[str, Any]]:
    """What the simulation predicts for the model; a case leaves other models of its target without rows."""
    out = tmp_path / "run"
    out.mkdir()
    simulate.simulate(taken, catalog, given, out=out, scratch=tmp_path / "scratch", emit=events.silent)
    file = out / "prediction" / f"{model.target.removeprefix('public.')}.parquet"
    with duckdb.connect() as session:
        session.execute("set timezone = 'UTC'")
        rows = session.execute(f"select to_json(made) from read_parquet('{file}') as made").fetchall()
    return [json.loads(row[0], parse_float=Decimal) for row in rows]


def _in_postgres(database: Database, catalog: Catalog, given: Inputs, model: Model) -> list[dict[str, Any]]:
    """What the model's own text gives, after the steps before its load."""
    with postgres.connect(database.url, autocommit=True) as connection:
        with connection.transaction():
            history.prepare(connection, catalog)
            inputs.store(connection, given)
            record = history.begin(connection, "test")
        for kind in plan.build(catalog).steps():
            if kind.step.name == f"load:{model.name}":
                break
            kind.apply(
                Context(
                    connection,
                    catalog,
                    Settings(),
                    "test",
                    kind.phase,
                    record.backup_stamp,
                    events.silent,
                    lambda: None,
                )
            )
        everything = batches.Window(None, 2**63 - 1, 1)
        made = batches.prepare(connection, model).rows(everything)
        connection.execute("set timezone = 'UTC'")
        rows = connection.execute(b"select to_jsonb(made) from " + made.as_bytes(connection) + b" as made").fetchall()
    return [dict(row[0]) for row in rows]


def _bag(rows: list[dict[str, Any]], model: Model) -> Counter[tuple[tuple[str, str], ...]]:
    return Counter(
        tuple(
            sorted(
                (column, _text(value))
                for column, value in row.items()
                if value is not None and column not in model.uncompared
            )
        )
        for row in rows
    )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | Decimal):
        return f"{Decimal(str(value)).normalize():f}"
    if isinstance(value, list):
        return json.dumps(["null" if entry is None else entry for entry in value], sort_keys=True)
    text = str(value).replace(" 00:00:00+00", "T00:00:00+00:00").replace(" 04:30:00+00", "T04:30:00+00:00")
    return text.removesuffix("T00:00:00+00:00") if text.startswith("infinity") else text
