"""One record followed through: what it is, what checks say of it, what it becomes, what would be refused (B2).

Read from the run's snapshot and prediction, offline. Texts that may tell of a person are masked unless they are asked
for (F2).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm_migrate import assess, constraints, duck, files, inputs, makers, personal, simulate, snapshot
from crm_migrate.catalog import Catalog, Model
from crm_migrate.dictionary import expressions, origins
from crm_migrate.duck import Session, literal, quoted
from crm_migrate.errors import NoSuchRun, UsageError
from crm_migrate.inputs import Inputs
from crm_migrate.snapshot import Snapshot

_AS_TEXT = ("TIMESTAMP", "DATE", "TIME", "DOUBLE", "FLOAT", "INTERVAL", "BLOB")  # what JSON or Python may not hold
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check says of the record."""

    check: str
    severity: str
    detail: str
    why: str
    fix: str


@dataclass(frozen=True, slots=True)
class Made:
    """The rows that a model makes of the record, or the columns that it fills in it.

    Attributes:
        how: for each column, the column that is passed on or the expression.
    """

    target: str
    model: str
    mode: str
    why: str
    rows: tuple[Row, ...]
    how: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Refused:
    """A rule that the rows of a model would break.

    Attributes:
        late: whether the rule comes after the load, where no row can be set aside.
    """

    target: str
    model: str
    rule: str
    reason: str
    late: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """Predicted rows of other records that will point to this one."""

    target: str
    column: str
    rows: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """One record, before and after.

    Attributes:
        table: by its legacy name.
        becomes: the name of the table after the migration.
        renamed: old name of a column → new name.
        record: as it is, by its old names; json as it is read, times as text.
        masked: whether texts that may tell of a person are masked.
    """

    table: str
    key: int
    becomes: str
    renamed: Mapping[str, str]
    record: Row
    findings: tuple[Finding, ...]
    made: tuple[Made, ...]
    refused: tuple[Refused, ...]
    referred: tuple[Reference, ...]
    masked: bool


def explain(
    taken: Snapshot,
    catalog: Catalog,
    analyst: Inputs,
    folder: Path,
    table: str,
    key: str | None,
    *,
    scratch: Path,
    show_personal_data: bool = False,
) -> Explanation:
    """Follow one record of a snapshot through the assessment and the simulation that lie in `folder`.

    Args:
        analyst: the inputs that it was simulated with.
        table: by its old or its new name.
        key: the record's id; None for the lowest one.

    Raises:
        UsageError: there is no such table or record; says which there are.
        NoSuchRun: the run was not assessed, or not simulated.
        DamagedFile: a file that one of these stages saved cannot be read.
    """
    found = _named(taken, origins.of(catalog), table)
    for needed, command in ((assess.FINDINGS, "assess"), (simulate.REJECTS, "dry-run")):
        if not (folder / needed).is_file():
            raise NoSuchRun(f"run {folder.name} has no {needed}", hint=f"Run `crm-migrate {command}` first.")
    with (
        snapshot.reading(taken),
        duck.reading({folder / assess.FINDINGS: assess.FINDINGS_COLUMNS}, hint=assess.AGAIN),
        duck.reading(simulate.predicted(folder, catalog), hint=simulate.AGAIN),
        files.scratch_folder(scratch, "explain") as work,
        duck.session(catalog.prelude, scratch=work) as session,
    ):
        snapshot.attach(session, taken)
        inputs.attach(session, analyst)
        number = _key(session, found.table, key)
        models = [model for model in catalog.models_in_order() if model.driver in found.drivers]
        made = tuple(_made(session, models, folder / simulate.PREDICTION, number, show_personal_data))
        [record] = _rows(session, quoted(f"public.{found.table}"), f"id = {number}")
        kinds = taken.table(found.table).columns
        return Explanation(
            table=found.table,
            key=number,
            becomes=found.becomes,
            renamed=found.renamed,
            record=_shown(record, found.table, kinds, show_personal_data),
            findings=tuple(_findings(session, folder, found.table, number)),
            made=made,
            refused=tuple(_refused(session, catalog, models, folder, number)),
            referred=tuple(_referred(session, catalog, models, folder / simulate.PREDICTION, found.becomes, number)),
            masked=not show_personal_data,
        )


@dataclass(frozen=True, slots=True)
class _Named:
    table: str
    becomes: str
    drivers: tuple[str, str]
    renamed: Mapping[str, str]


def followed(taken: Snapshot) -> tuple[str, ...]:
    """The tables whose records can be followed, by their old names: those with an id."""
    return tuple(table.name for table in taken.tables if table.primary_key == ("id",))


def _named(taken: Snapshot, known: origins.Origins, given: str) -> _Named:
    """The table that is meant, by its old or its new name, in whatever case."""
    becomes = {old: new for new, old in known.renamed.items()}
    tables = followed(taken)
    names = {name.casefold(): table for table in tables for name in (table, becomes.get(table, table))}
    table = names.get(given.removeprefix("public.").casefold())
    if table is None:
        raise UsageError(
            f"the snapshot has no records in a table {given!r}",
            hint=f"Records of these can be followed: {', '.join(tables)}; new names are understood too.",
        )
    new = becomes.get(table, table)
    renamed = {old: name for (place, name), old in known.renamed_columns.items() if place == new}
    return _Named(table, new, (f"public.{table}", f"public.{new}"), renamed)


def _key(session: Session, table: str, given: str | None) -> int:
    row = session.execute(f"select min(id), max(id), count(*) from public.{quoted(table)}").fetchone()
    assert row is not None
    low, high, count = row
    hint = f"It has {count:,} rows, with ids from {low} to {high}." if count else "It has no rows."
    if given is None and count:
        return int(low)
    try:
        key = int(given or "")
    except ValueError:
        raise UsageError(f"{given!r} is no id of a record of {table}", hint=hint) from None
    if session.execute(f"select 1 from public.{quoted(table)} where id = ?", [key]).fetchone() is None:
        raise UsageError(f"{table} has no record {key}", hint=hint)
    return key


def _kinds(session: Session, source: str) -> dict[str, str]:
    return {row[0]: row[1] for row in session.execute(f"describe select * from {source}").fetchall()}


def _rows(session: Session, source: str, condition: str) -> list[Row]:
    """Rows as Python holds JSON; what it cannot hold is text."""
    parts = ", ".join(
        f"{quoted(name)} := " + (f"cast({quoted(name)} as varchar)" if kind.startswith(_AS_TEXT) else quoted(name))
        for name, kind in _kinds(session, source).items()
    )
    rows = session.execute(
        f"select cast(to_json(struct_pack({parts})) as varchar) from {source} where {condition}"
    ).fetchall()
    return [json.loads(text) for (text,) in rows]


def _shown(row: Row, table: str, kinds: Mapping[str, str], show: bool) -> Row:
    """A row with what may tell of a person masked, unless it is to be shown."""
    return {
        name: value if show else personal.veiled(table, name, kinds.get(name, ""), value) for name, value in row.items()
    }


def _findings(session: Session, folder: Path, table: str, key: int) -> Iterator[Finding]:
    asked = {check.check: check for check in assess.load(folder).checks}
    rows = session.execute(
        f'select "check", severity, detail from read_parquet({literal(folder / assess.FINDINGS)}) '
        'where "table" = ? and key = ? order by severity = \'info\', severity, "check"',
        [f"public.{table}", str(key)],
    ).fetchall()
    for check, severity, detail in rows:
        sentence = personal.without_addresses(str(detail))
        yield Finding(check, severity, sentence, asked[check].why, asked[check].fix)


def _made(session: Session, models: Sequence[Model], folder: Path, key: int, show: bool) -> Iterator[Made]:
    for target in dict.fromkeys(model.target for model in models):
        source, table = _file(folder, target), target.removeprefix("public.")
        kinds = _kinds(session, source)
        candidates = [model for model in models if model.target == target]
        made: dict[str, list[Row]] = {}
        for row in _rows(session, source, f"{quoted(candidates[0].key[0])} = {key}"):
            maker = makers.of(session, candidates, row)
            if maker is not None:
                made.setdefault(maker.name, []).append(_shown(row, table, kinds, show))
        for model in candidates:
            if model.name in made:
                how = expressions.shown(model.sql)
                given = [column for column in how if column not in model.uncompared]
                shown = tuple({column: row[column] for column in given} for row in made[model.name])
                yield Made(table, model.name, model.mode, model.why, shown, {column: how[column] for column in given})


def _refused(session: Session, catalog: Catalog, models: Sequence[Model], folder: Path, key: int) -> Iterator[Refused]:
    rules = constraints.of(catalog)
    known = {model.name: model for model in models}
    rows = session.execute(
        f"select distinct model, reason, late from read_parquet({literal(folder / simulate.REJECTS)}) "
        "where key = ? order by all",
        [key],
    ).fetchall()
    for model, reason, late in rows:
        if model in known:
            target = known[model].target
            said = next((constraints.said(rule) for rule in rules[target] if rule.name == reason), reason)
            yield Refused(target.removeprefix("public."), model, reason, said, late)


def _referred(
    session: Session, catalog: Catalog, models: Sequence[Model], folder: Path, becomes: str, key: int
) -> Iterator[Reference]:
    own = {(model.target, model.key[0]) for model in models}
    for target, rules in constraints.of(catalog).items():
        path = folder / f"{target.removeprefix('public.')}.parquet"
        if not path.is_file():
            continue
        source = _file(folder, target)
        there = _kinds(session, source)
        for rule in rules:
            [column, *more] = rule.columns
            if rule.kind != "foreign_key" or more or rule.refers_to != f"public.{becomes}":
                continue
            if column in there and (target, column) not in own:
                row = session.execute(f"select count(*) from {source} where {quoted(column)} = {key}").fetchone()
                assert row is not None
                if row[0]:
                    yield Reference(target.removeprefix("public."), column, row[0])


def _file(folder: Path, target: str) -> str:
    return f"read_parquet({literal(folder / (target.removeprefix('public.') + '.parquet'))})"
