"""The target's tables in DuckDB while the migration is simulated: each stands under its name for the models behind it.

A table that is filled in place takes the name of its source, which stays readable under schema `source`.
"""

from __future__ import annotations

from pathlib import Path

from crm_migrate.catalog import Model
from crm_migrate.duck import Session, literal, quoted

_RENAMED = {"public.opportunities": ("deals", {"stage": "legacy_stage"})}


def remember_sources(session: Session) -> None:
    """Let the source's tables stand under `source` too, since an update's target takes the name of its source."""
    session.execute("create schema source")
    views = session.execute(
        "select view_name, sql from duckdb_views() where schema_name = 'public' and not internal"
    ).fetchall()
    for name, definition in views:
        session.execute(f"create view source.{quoted(name)} as {definition.split(' AS ', 1)[1].rstrip().rstrip(';')}")


def show_updated(session: Session, model: Model, accepted: Path) -> None:
    """Let the target stand under its name: the source's columns and the predicted ones beside them."""
    source, renamed = _RENAMED.get(model.target, (model.target.removeprefix("public."), {}))
    columns = [row[0] for row in session.execute(f"describe source.{quoted(source)}").fetchall()]
    old = ", ".join(
        f"legacy.{quoted(column)}" + (f" as {quoted(renamed[column])}" if column in renamed else "")
        for column in columns
    )
    key = quoted(model.key[0])
    session.execute(
        f"create or replace view {quoted(model.target)} as select {old}, predicted.* exclude ({key}) "
        f"from source.{quoted(source)} as legacy "
        f"left join read_parquet({literal(accepted)}) as predicted on predicted.{key} = legacy.{key}"
    )


def show_inserted(session: Session, model: Model, models: tuple[Model, ...], work: Path) -> None:
    """Let the target stand under its name: what all its models so far have made."""
    session.execute(
        f"create or replace view {quoted(model.target)} as "
        f"select * from read_parquet({made(model.target, models, work)}, union_by_name = true)"
    )


def made(target: str, models: tuple[Model, ...], work: Path) -> str:
    """The files of what all models of a target have made so far, as a DuckDB list."""
    paths = [work / f"{other.name}.parquet" for other in models if other.target == target]
    return "[" + ", ".join(literal(path) for path in paths if path.exists()) + "]"
