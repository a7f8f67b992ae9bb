"""Every row of every target against its prediction, and every old row against the final snapshot (D3).

Both sides are Parquet files, streamed and compared as bags by DuckDB, which spills to disk: memory stays flat (H2).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from crm_migrate import compatibility, duck, maintenance, oddities, postgres, since
from crm_migrate.catalog import Catalog, Model
from crm_migrate.duck import Session, literal, quoted
from crm_migrate.events import Event, Sink
from crm_migrate.extract import extract, readable
from crm_migrate.postgres import Connection
from crm_migrate.since import Log, Written
from crm_migrate.snapshot import Snapshot

LEGACY = " (legacy columns)"
_TABLES = {"public.deals": "public.opportunities", "public.dealNotes": "public.opportunityNotes"}
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DOUBLE", "DECIMAL")


@dataclass(frozen=True, slots=True)
class Compared:
    """Rows found in a relation, and how many of them, or of the expected ones, differ.

    Attributes:
        differing: faults; none of them is a user's work.
        written_since: rows that users wrote since the migration, which are not compared.
    """

    rows: int
    differing: int
    written_since: int = 0


@dataclass(frozen=True, slots=True)
class Pair:
    """One comparison: what was expected of a relation lies in a Parquet file."""

    name: str
    columns: tuple[str, ...]
    relation: str
    key: tuple[str, ...]
    expected: Path


def compare(
    connection: Connection,
    session: Session,
    catalog: Catalog,
    before: Snapshot,
    *,
    url: str,
    prediction: Path,
    apart: Mapping[str, Sequence[int]],
    log: Log | None,
    differing: Path,
    made_as: Path,
    work: Path,
    emit: Sink,
) -> dict[str, Compared]:
    """Compare everything; differing rows are saved with the side they were on and the columns that differ.

    Args:
        apart: rows of targets that nothing was predicted of, by id.
        log: tells what users wrote since; None where nothing does, so that all that differs is a fault.
        differing: folder of `<relation>.parquet`.
        made_as: folder of `<target>.parquet`: by what each row was told apart when the night made it.
        work: what was read lies there while it is compared.
    """
    compared: dict[str, Compared] = {}
    for pair in _pairs(catalog, before, prediction):
        started = time.monotonic()
        found = work / "found.parquet"
        without = () if pair.name.endswith(LEGACY) else apart.get(pair.relation, ())
        relation = compatibility.placed(connection, pair.relation)
        kinds = postgres.columns(connection, relation)
        rows = extract(url, _select(connection, pair, relation, kinds, without), found)
        written = Written()
        if log is not None and kinds:
            written = since.written(log, _TABLES.get(pair.relation, pair.relation), pair.key)
        made = made_as / f"{pair.name}.parquet"
        if maintenance.is_closed(connection):
            _remember(session, pair, found, made)
        wrong = compare_files(session, pair, found, written, differing / f"{pair.name}.parquet", made)
        compared[pair.name] = Compared(rows, wrong, len(written.ids))
        said = f"{rows:,} rows, {wrong:,} differing"
        if written.ids:
            said += f", {len(written.ids):,} written since"
        emit(Event("progress", "verify", f"{pair.name}: {said}", seconds=time.monotonic() - started))
    return compared


def _pairs(catalog: Catalog, before: Snapshot, prediction: Path) -> Iterator[Pair]:
    for table in before.tables:
        columns = tuple(table.columns)
        key = ("id",) if "id" in columns else columns
        yield Pair(f"{table.name}{LEGACY}", columns, f"public.{table.name}", key, before.folder / table.file)
    by_target: dict[str, list[Model]] = {}
    for model in catalog.models_in_order():
        by_target.setdefault(model.target, []).append(model)
    for target, models in by_target.items():
        name = target.removeprefix("public.")
        path = prediction / f"{name}.parquet"
        left_out = {column for model in models for column in model.uncompared}
        with duck.session("", scratch=prediction) as session:
            columns = tuple(column for column in _types(session, path) if column not in left_out)
        yield Pair(name, columns, target, models[0].key, path)


def _select(connection: Connection, pair: Pair, relation: str, kinds: Mapping[str, str], without: Sequence[int]) -> str:
    """What is read of a relation; a column that is lost is read as NULL, a relation that is lost has no row."""
    columns = pair.columns if "id" in pair.columns or "id" not in kinds else (*pair.columns, "id")
    listed = ", ".join(
        readable(column, kinds[column]).as_string(connection) if column in kinds else f"null::text as {quoted(column)}"
        for column in columns
    )
    if not kinds:
        return f"select {listed} where false"
    rest = f" where id not in ({', '.join(map(str, without))})" if without else ""
    return f"select {listed} from {quoted(relation)}{rest}"


def compare_files(session: Session, pair: Pair, found: Path, written: Written, differing: Path, made: Path) -> int:
    """Keys of rows that are expected and not found, or found and not expected, as bags; a changed row counts once.

    Both files hold the same bag where the sums of their rows' hashes agree. Where they do not, only rows are looked at
    whose hash one side has more often than the other.
    """
    types = [_types(session, path) for path in (pair.expected, found)]
    _note(session, pair, written, made)
    sides = []
    for path, has in zip((pair.expected, found), types, strict=True):
        listed = ", ".join(_comparable(column, *(side.get(column, "") for side in types)) for column in pair.columns)
        sides.append(f"(select {listed} from read_parquet({literal(path)}) as side{_unwritten(pair, has, written)})")
    sums = [
        session.execute(f"select count(*), sum(hash(row)::hugeint) from {side} as row").fetchone() for side in sides
    ]
    if sums[0] == sums[1]:
        return 0
    hashes = " union all ".join(
        f"select hash(row) as hash, {sign} as sign from {side} as row"
        for sign, side in zip((1, -1), sides, strict=True)
    )
    session.execute(
        f"create or replace temp table apart as select hash from ({hashes}) group by hash having sum(sign) <> 0"
    )
    few = [f"(select row.* from {side} as row where hash(row) in (from apart))" for side in sides]
    missing, unforeseen = (
        f"(from {one} except all from {other})" for one, other in ((few[0], few[1]), (few[1], few[0]))
    )
    session.execute(
        f"create or replace temp table differing as select 'expected' as side, * from {missing} "
        f"union all select 'found' as side, * from {unforeseen}"
    )
    differing.parent.mkdir(parents=True, exist_ok=True)
    session.execute(f"copy ({_with_columns(pair)}) to {literal(differing)} (format parquet)")
    key = ", ".join(quoted(column) for column in pair.key)
    counted = session.execute(f"select count(*) from (select distinct {key} from differing)").fetchone()
    session.execute("drop table differing; drop table apart")
    return int(counted[0]) if counted is not None else 0


def _with_columns(pair: Pair) -> str:
    """The differing rows, and in `differs` the columns in which the other side's row of the same key differs."""
    same = " and ".join(f"one.{quoted(column)} is not distinct from other.{quoted(column)}" for column in pair.key)
    names = ", ".join(
        f"case when one.{quoted(column)} is distinct from other.{quoted(column)} then {literal(column)} end"
        for column in pair.columns
    )
    return (
        f"select one.*, (select list_filter([{names}], lambda name: name is not null) from differing as other "
        f"where other.side <> one.side and {same} limit 1) as differs from differing as one"
    )


def _note(session: Session, pair: Pair, written: Written, made: Path) -> None:
    """Lay what users wrote since beside the two sides, under the names that `_unwritten` reads."""
    if not written.ids:
        return
    session.execute("create or replace temp table written_ids as select unnest(?) as id", [list(written.ids)])
    texts = ", ".join(f"identity[{place}] as {quoted(name)}" for place, name in enumerate(pair.key, start=1))
    session.execute(
        f"create or replace temp table written_identities as select {texts} "
        "from (select unnest(cast(? as varchar[][])) as identity)",
        [[list(identity) for identity in written.identities]],
    )
    if made.exists():  # a row that users gave another identity once had the one that is expected
        was = ", ".join(f"cast({quoted(name)} as varchar)" for name in pair.key)
        session.execute(
            f"insert into written_identities select {was} from read_parquet({literal(made)}) "
            "where id in (select id from written_ids)"
        )


def _remember(session: Session, pair: Pair, found: Path, made: Path) -> None:
    """Keep the identity of each row that has an id besides."""
    if pair.key == ("id",) or "id" not in _types(session, found):
        return
    made.parent.mkdir(parents=True, exist_ok=True)
    listed = ", ".join(quoted(name) for name in ("id", *pair.key))
    session.execute(f"copy (select {listed} from read_parquet({literal(found)})) to {literal(made)} (format parquet)")


def _unwritten(pair: Pair, has: Mapping[str, str], written: Written) -> str:
    """Leaves out, on either side, the rows that users wrote since and those that these once were."""
    if not written.ids:
        return ""
    conditions = []
    if "id" in has:
        conditions.append("not exists (select 1 from written_ids where written_ids.id = side.id)")
    if pair.key != ("id",):
        same = " and ".join(
            f"cast(side.{quoted(name)} as varchar) is not distinct from written_identities.{quoted(name)}"
            for name in pair.key
        )
        conditions.append(f"not exists (select 1 from written_identities where {same})")
    return f" where {' and '.join(conditions)}"


def _types(session: Session, path: Path) -> dict[str, str]:
    return {
        row[0]: row[1] for row in session.execute(f"describe select * from read_parquet({literal(path)})").fetchall()
    }


def _comparable(column: str, expected: str, found: str) -> str:
    """A column in the form in which both sides can be compared: numbers as numbers, all else that differs as text."""
    name = quoted(column)
    if expected == found == "DATE":
        # A day made of a timestamp that the snapshot could not hold was predicted to be as infinite as that.
        return f"case when {name} >= date '{oddities.FIRST_YEAR_LOST}' then date 'infinity' else {name} end as {name}"
    if expected == found:
        return name
    if expected.startswith(_NUMBERS) or found.startswith(_NUMBERS):
        return f"cast({name} as decimal(38, 10)) as {name}"
    if "[]" in expected or "[]" in found:
        return f"cast({name} as varchar[]) as {name}"
    return f"cast({name} as varchar) as {name}"
