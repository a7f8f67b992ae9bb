"""What stands in each column: filled, different, smallest, largest, longest, most frequent, of which shape (A5).

DuckDB reads each table once for the figures, and once more, column by column, to count the values that it proposes as
the most frequent. Nothing grows with the rows. Texts that may tell of a person are masked here, before they are saved
(F2).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from crm_migrate import duck, files, personal, snapshot
from crm_migrate.duck import Session, literal, quoted
from crm_migrate.errors import NoSuchRun
from crm_migrate.snapshot import Snapshot, TableSnapshot

PROFILE = "profile.json"
_FREQUENT, _SHAPES, _BINS, _LONGEST = 8, 8, 24, 80
_STRUCTURES = 500  # different structures that are looked at, the most frequent first; the rest are "others"
_NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double")
_TIMES = ("date", "timestamp")
_TEXTS = ("text", "character", '"char"', "citext", "name")
_JSON = ("json", "jsonb", "json[]", "jsonb[]")

Kind = Literal["number", "time", "text", "list", "json", "other"]
Counted = tuple[str, int]
"""A value, shape or range, as text, and its rows."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """Characters of a text, or elements of a list."""

    min: int
    mean: float
    max: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """How values are spread.

    Attributes:
        of: what the ranges are of: `value` (powers of ten), `month`, `year`, `characters` (powers of two), `elements`.
        bins: in order; infinite times are in none.
    """

    of: str
    bins: tuple[Counted, ...]


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """A column in numbers.

    Attributes:
        type: as PostgreSQL writes it.
        distinct: different values, within a few per cent.
        min, max: as text; None of JSON and lists, and where there is no value.
        lengths: of texts and lists, None of all others and where there is no value.
        frequent: the most frequent values, counted exactly; which they are is nearly exact. None of JSON, lists and
            the primary key; of many different values none that stands in a single row.
        shapes: of JSON, the most frequent structures with the types of their parts.
        masked: whether texts are masked, since they may tell of a person.
    """

    type: str
    nulls: int
    distinct: int
    min: str | None
    max: str | None
    lengths: Lengths | None
    frequent: tuple[Counted, ...]
    shapes: tuple[Counted, ...]
    histogram: Histogram | None
    masked: bool


@dataclass(frozen=True, slots=True)
class Profile:
    """Every column of every table of a snapshot.

    Attributes:
        tables: by table and column, in physical order.
    """

    snapshot_id: str
    tables: Mapping[str, Mapping[str, ColumnProfile]]


def profile(taken: Snapshot, prelude: str, *, out: Path, scratch: Path, show_personal_data: bool = False) -> Profile:
    """Look at every column of a snapshot; writes `out/profile.json`.

    Args:
        prelude: the catalogue's, for the session.
        scratch: folder for what does not fit into memory.
        show_personal_data: whether texts that may tell of a person are saved as they are.
    """
    with (
        snapshot.reading(taken),
        files.scratch_folder(scratch, "profile") as work,
        duck.session(prelude, scratch=work) as session,
    ):
        tables = {table.name: _table(session, taken, table, show_personal_data) for table in taken.tables}
    made = Profile(taken.id, tables)
    files.write_json(out / PROFILE, asdict(made))
    return made


def load(out: Path) -> Profile:
    """The profile that lies in a run's folder.

    Raises:
        NoSuchRun: there is none.
        DamagedFile: it is not what this version saves.
    """
    try:
        return files.read_value(out / PROFILE, Profile, hint="Run `crm-migrate assess` again.")
    except FileNotFoundError:
        raise NoSuchRun(f"{out} holds no profile", hint="Run `crm-migrate assess` first.") from None


def _table(session: Session, taken: Snapshot, table: TableSnapshot, show: bool) -> dict[str, ColumnProfile]:
    """One table; from the file itself, whose texts are those of PostgreSQL."""
    source = f"read_parquet({literal(taken.folder / table.file)})"
    asked = {column: _asked(quoted(column), kind) for column, kind in table.columns.items()}
    expressions = ", ".join(expression for part in asked.values() for expression in part)
    row = duck.execute(session, f"select {expressions} from {source}", origin=f"profile of {table.name}").fetchone()
    assert row is not None
    facts = iter(row)
    counted = {column for column, kind in table.columns.items() if _sort(kind) not in ("list", "json")}
    counted -= set(table.primary_key)
    profiles: dict[str, ColumnProfile] = {}
    for column, kind in table.columns.items():
        nulls, distinct, low, high, shortest, mean, longest, spread = (next(facts) for _ in range(8))
        hidden = not show and personal.is_personal(table.name, column, kind)
        veil = partial(personal.veiled, table.name, column, kind) if not show else str
        profiles[column] = ColumnProfile(
            type=kind,
            nulls=nulls,
            distinct=min(distinct, table.rows - nulls),
            min=_said(low, veil),
            max=_said(high, veil),
            lengths=None if shortest is None else Lengths(shortest, round(mean, 1), longest),
            frequent=_frequent(session, source, column, distinct, veil) if column in counted else (),
            shapes=_shapes(session, source, column, kind) if kind in _JSON else (),
            histogram=_histogram(_sort(kind), spread or {}),
            masked=hidden,
        )
    return profiles


def _sort(kind: str) -> Kind:
    if kind in _JSON:
        return "json"
    if kind.endswith("[]"):
        return "list"
    for sort, beginnings in (("number", _NUMBERS), ("time", _TIMES), ("text", _TEXTS)):
        if kind.startswith(beginnings):
            return sort  # type: ignore[return-value]
    return "other"


def _asked(name: str, kind: str) -> tuple[str, ...]:
    """Eight expressions: nulls, distinct, smallest, largest, three of lengths, and ranges."""
    none = "null"
    nulls, distinct = f"count(*) - count({name})", f"approx_count_distinct({name})"
    match _sort(kind):
        case "number":
            value = f"try_cast({name} as decimal(38, 10))" if kind.startswith("numeric") else name
            size = f"abs(cast({value} as double))"
            digits = f"case when {size} < 1 then 0 else sign({value}) * (floor(log10({size})) + 1) end"
            spread = f"histogram(try_cast({digits} as smallint)) filter (where isfinite({size}))"
            return (nulls, distinct, _text("min", value), _text("max", value), none, none, none, spread)
        case "time":
            month = f"cast(extract(year from {name}) as integer) * 12 + cast(extract(month from {name}) as integer) - 1"
            spread = f"histogram({month}) filter (where isfinite({name}))"
            return (nulls, distinct, _text("min", name), _text("max", name), none, none, none, spread)
        case "text":
            spread = f"histogram(cast(floor(log2(length({name}) + 1)) as tinyint))"
            return (nulls, distinct, f"min({name})", f"max({name})", *_lengths(name), spread)
        case "list":
            spread = f"histogram(least(len({name}), {_BINS})) filter (where {name} is not null)"
            return (nulls, distinct, none, none, *_lengths(name), spread)
        case "json":
            return (nulls, distinct, none, none, none, none, none, none)
    return (nulls, distinct, none, none, none, none, none, none)


def _lengths(name: str) -> tuple[str, str, str]:
    return f"min(len({name}))", f"avg(len({name}))", f"max(len({name}))"


def _text(function: str, value: str) -> str:
    return f"cast({function}({value}) as varchar)"


def _said(value: str | None, veil: Callable[[str], object]) -> str | None:
    if value is None:
        return None
    shown = str(veil(value))
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _frequent(
    session: Session, source: str, column: str, distinct: int, veil: Callable[[str], object]
) -> tuple[Counted, ...]:
    """Count what DuckDB proposes; where there are many, a value of a single row is none that is frequent."""
    name, least = quoted(column), 1 if distinct <= _FREQUENT else 2
    rows = session.execute(
        f"select cast({name} as varchar), count(*) from {source} "
        f"where {name} in (select unnest(approx_top_k({name}, {_FREQUENT})) from {source}) "
        f"group by 1 having count(*) >= {least} order by 2 desc, 1"
    ).fetchall()
    return tuple((str(_said(value, veil)), count) for value, count in rows)


def _shapes(session: Session, source: str, column: str, kind: str) -> tuple[Counted, ...]:
    """The structures of JSON values; keys that are no plain words are masked, as they may be data."""
    name = quoted(column)
    value = name
    if kind.endswith("[]"):
        value = f"'[' || array_to_string(list_transform({name}, lambda part: coalesce(part, 'null')), ',') || ']'"
    rows = session.execute(
        f"select json_structure(case when json_valid(value) then value end) as structure, count(*) "
        f"from (select {value} as value from {source} where {name} is not null) as given "
        f"group by 1 order by 2 desc limit {_STRUCTURES}"
    ).fetchall()
    found: Counter[str] = Counter()
    for structure, count in rows:
        found["not readable" if structure is None else _signature(json.loads(structure))] += count
    total = session.execute(f"select count({name}) from {source}").fetchone()
    assert total is not None
    shown = found.most_common(_SHAPES)
    rest = total[0] - sum(count for _, count in shown)
    return (*((shape, count) for shape, count in shown), *((("others", rest),) if rest else ()))


_WORDS = {"VARCHAR": "text", "BOOLEAN": "boolean", "NULL": "null", "JSON": "mixed"}


def _signature(structure: Any) -> str:
    """A structure in words: `[{email: text, type: text}]`; all numbers are numbers."""
    match structure:
        case ["NULL"]:
            return "[]"
        case list():
            return f"[{', '.join(_signature(part) for part in structure)}]"
        case dict():
            parts = sorted(f"{personal.key(name)}: {_signature(part)}" for name, part in structure.items())
            return "{" + ", ".join(parts) + "}"
    return _WORDS.get(structure, "number")


def _histogram(kind: Kind, spread: Mapping[Any, int]) -> Histogram | None:
    counts = dict(sorted((int(place), rows) for place, rows in spread.items() if place is not None))
    if not counts:
        return None
    match kind:
        case "number":
            return Histogram("value", tuple((_digits(place), rows) for place, rows in counts.items()))
        case "text":
            return Histogram("characters", tuple((_powers(place), rows) for place, rows in counts.items()))
        case "list":
            bins = tuple((f"{place}{'+' if place == _BINS else ''}", rows) for place, rows in counts.items())
            return Histogram("elements", bins)
    if max(counts) - min(counts) < _BINS:
        return Histogram("month", tuple((f"{m // 12:04}-{m % 12 + 1:02}", n) for m, n in counts.items()))
    years: Counter[int] = Counter()
    for month, rows in counts.items():
        years[month // 12] += rows
    return Histogram("year", _at_most(tuple((f"{year:04}", rows) for year, rows in years.items())))


def _at_most(bins: tuple[Counted, ...]) -> tuple[Counted, ...]:
    """The first years together where there are too many: what is recent is what matters."""
    if len(bins) <= _BINS:
        return bins
    early = bins[: len(bins) - _BINS + 1]
    return ((f"{early[0][0]} to {early[-1][0]}", sum(rows for _, rows in early)), *bins[len(early) :])


def _digits(place: int) -> str:
    if place == 0:
        return "under 1"
    low, high = f"{10 ** (abs(place) - 1):,}", f"{10 ** abs(place) - 1:,}"
    return f"{low} to {high}" if place > 0 else f"-{high} to -{low}"


def _powers(place: int) -> str:
    low, high = 2**place - 1, 2 ** (place + 1) - 2
    return f"{low}" if low == high else f"{low:,} to {high:,}"
