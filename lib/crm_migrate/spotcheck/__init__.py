"""Spot checks (D2): some records, followed field by field by code that shares nothing with the models.

The sources are read from the snapshot with Polars, what must have become of them is worked out in Python from
target-schema.md, and PostgreSQL is only asked what is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from crm_migrate import files, history, personal, rejects, since
from crm_migrate.errors import NoSuchRun
from crm_migrate.inputs import Inputs
from crm_migrate.postgres import Connection
from crm_migrate.since import Log
from crm_migrate.snapshot import Snapshot
from crm_migrate.spotcheck import found
from crm_migrate.spotcheck.expected import Expected, expectations
from crm_migrate.spotcheck.facts import Facts
from crm_migrate.spotcheck.sample import Record, choose
from crm_migrate.spotcheck.source import Row
from crm_migrate.spotcheck.values import shown

FILE = "spot_checks.json"


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that is not what its source makes it; texts that may tell of a person are masked.

    Attributes:
        relation: schema-qualified target.
        where: which rows of it were looked at, as `column = value`.
        column: empty where a whole row is missing or too many.
        source: the fields of the source that it comes of.
    """

    relation: str
    where: str
    column: str
    source: Mapping[str, object]
    expected: object
    found: object


@dataclass(frozen=True, slots=True)
class Checked:
    """A record and what was found of it.

    Attributes:
        strata: what it was chosen for.
        fields: how many fields were compared.
        written_since: users wrote what became of it since, so that it tells nothing.
    """

    table: str
    key: int
    strata: tuple[str, ...]
    fields: int
    differences: tuple[Difference, ...]
    written_since: bool = False


@dataclass(frozen=True, slots=True)
class SpotChecks:
    """What was looked at, and what differed; the same seed chooses the same records of the same snapshot."""

    seed: int
    records: tuple[Checked, ...]

    @property
    def fields(self) -> int:
        """Fields compared in all."""
        return sum(record.fields for record in self.records)

    @property
    def differing(self) -> int:
        """Records with a difference."""
        return sum(bool(record.differences) for record in self.records)

    @property
    def detail(self) -> str:
        """The answer in a sentence."""
        tables = len({record.table for record in self.records})
        said = f"{len(self.records):,} records of {tables} tables, {self.fields:,} fields worked out anew"
        moved = sum(record.written_since for record in self.records)
        if moved:
            said += f", {moved:,} left out that users wrote since"
        first = next((record for record in self.records if record.differences), None)
        if first is None:
            return f"{said}; every one is as found"
        difference = first.differences[0]
        what = f"{difference.relation}{'.' if difference.column else ''}{difference.column}"
        return f"{said}; {self.differing:,} records differ, the first is {first.table} {first.key} in {what}"


def check(
    connection: Connection,
    before: Snapshot,
    given: Inputs,
    *,
    run_id: str,
    log: Log | None,
    count: int,
    seed: int,
    out: Path,
) -> SpotChecks:
    """Choose `count` records of the snapshot, work out what became of them, and compare it with what is there.

    Args:
        connection: reads only; sees every row.
        before: the final snapshot, as it was migrated.
        out: `spot_checks.json` goes there.
    """
    rejected = _driving((step, key) for step, keys in history.rejects(connection, run_id).items() for key in keys)
    taken = _driving((one.step, one.key) for one in rejects.readmitted(connection, run_id))
    records = choose(before, given, count=count, seed=seed)
    facts = Facts(before, given, records)
    checked = tuple(_checked(connection, facts, record, rejected, taken, log) for record in records)
    made = SpotChecks(seed, checked)
    files.write_json(out / FILE, asdict(made))
    return made


def load(folder: Path) -> SpotChecks:
    """Read `spot_checks.json`.

    Raises:
        NoSuchRun: this run was not verified yet.
        DamagedFile: the file is not what this version saves.
    """
    try:
        return files.read_value(folder / FILE, SpotChecks, hint="Run `crm-migrate verify` again.")
    except FileNotFoundError:
        raise NoSuchRun(f"run {folder.name} has no spot checks yet", hint="Run `crm-migrate verify` first.") from None


def _driving(found: Iterable[tuple[str, str]]) -> frozenset[tuple[str, int]]:
    """(step, key) as (model, key of its driving row)."""
    return frozenset((step.removeprefix("load:"), int(key)) for step, key in found)


def _checked(
    connection: Connection,
    facts: Facts,
    record: Record,
    rejected: frozenset[tuple[str, int]],
    taken: frozenset[tuple[str, int]],
    log: Log | None,
) -> Checked:
    differences: list[Difference] = []
    fields, moved = 0, False
    for expected in expectations(record, facts, rejected=rejected, taken=taken):
        there = found.rows(connection, expected.relation, expected.where, expected.columns)
        fields += sum(len(row) for row in expected.rows)
        wrong = tuple(_differences(record.table, facts.row(record), expected, there))
        if wrong and log is not None and since.touched(log, expected.relation, expected.where):
            moved = True
        else:
            differences += wrong
    return Checked(record.table, record.key, record.strata, fields, tuple(differences), moved)


def _differences(source: str, row: Row, expected: Expected, there: list[dict[str, Any]]) -> Iterator[Difference]:
    """Field by field where as many rows are there as there must be, else that they are not as many."""
    where = " and ".join(f"{column} = {value}" for column, value in expected.where.items())
    if len(there) != len(expected.rows):
        yield Difference(expected.relation, where, "", {}, f"{len(expected.rows)} rows", f"{len(there)} rows")
        return
    table = expected.relation.removeprefix("public.")
    wanted = sorted(expected.rows, key=lambda fields: [repr(fields[name].value) for name in expected.identity])
    for fields, other in zip(
        wanted, sorted(there, key=lambda fields: [repr(fields[name]) for name in expected.identity]), strict=True
    ):
        for column, made in fields.items():
            if made.value != other[column]:
                yield Difference(
                    expected.relation,
                    where,
                    column,
                    {name: _veiled(source, name, row[name]) for name in made.of},
                    _veiled(table, column, made.value),
                    _veiled(table, column, other[column]),
                )


def _veiled(table: str, column: str, value: object) -> object:
    kind = "text" if isinstance(value, str | list | dict) else "boolean"
    return shown(personal.veiled(table, column, kind, value))
