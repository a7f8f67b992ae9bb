"""Is everything there, and is it what was predicted (D1, D3)?

Counts and sums are asked on both engines by legacy names; every row of every target is compared with its prediction,
and every legacy row with the final snapshot. Nothing here shares code with the loads.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from crm_migrate import access, aside, duck, files, inputs, oddities, postgres, simulate, snapshot, spotcheck
from crm_migrate.aside import Aside
from crm_migrate.catalog import Catalog, Model
from crm_migrate.duck import Session, literal, quoted
from crm_migrate.errors import NoSuchRun
from crm_migrate.events import Event
from crm_migrate.extract import extract, readable
from crm_migrate.inputs import Inputs
from crm_migrate.plan import Plan
from crm_migrate.postgres import Connection
from crm_migrate.snapshot import Snapshot
from crm_migrate.steps import Context

LEGACY = " (legacy columns)"
_LOST = "Bring it back from a copy of the run's folder; without it nothing can be compared with what was predicted."
_UNPROVED = re.compile(r" (not valid|invalid( clustered)?( replica identity)?)$")  # as `schema.describe` writes it


@dataclass(frozen=True, slots=True)
class Result:
    """One question, and its answer in words."""

    check: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Compared:
    """Rows found in a relation, and how many of them, or of the expected ones, differ."""

    rows: int
    differing: int


@dataclass(frozen=True, slots=True)
class Verification:
    """All answers; `ok` is true where every one is yes and no row differs."""

    ok: bool
    checks: tuple[Result, ...]
    compared: Mapping[str, Compared]


def load(folder: Path) -> Verification:
    """Read `verification.json`.

    Raises:
        NoSuchRun: this run was not verified yet.
        DamagedFile: the file is not what this version saves.
    """
    try:
        return files.read_value(folder / "verification.json", Verification, hint="Run `crm-migrate verify` again.")
    except FileNotFoundError:
        raise NoSuchRun(f"run {folder.name} was not verified yet", hint="Run `crm-migrate verify` first.") from None


def verify(
    context: Context,
    plan: Plan,
    *,
    url: str,
    before: Snapshot,
    given: Inputs,
    prediction: Path,
    rejects: Path,
    out: Path,
    scratch: Path,
) -> Verification:
    """Compare the database with what was there before and with what was predicted.

    Args:
        context: its connection reads only.
        before: the final snapshot, taken in the closed window.
        prediction: folder of `<target>.parquet`, predicted from `before`.
        rejects: the predicted rejects, in the folder around `prediction`.
        out: `verification.json` and, where rows differ, `differing/<relation>.parquet` go there.
        scratch: what was read lies there while it is compared.
    """
    connection, catalog, emit = context.connection, context.catalog, context.emit
    set_aside = aside.read(connection, context.run_id, catalog, rejects)
    results = [
        *_steps_hold(context, plan),
        _keys_hold(connection, before),
        _rejects_as_predicted(set_aside),
        _spot_checks(context, before, given, out),
        Result("leaks closed", True, "; ".join(access.closed_leaks(connection)) or "there was none"),
    ]
    shutil.rmtree(out / "differing", ignore_errors=True)
    compared: dict[str, Compared] = {}
    with (
        snapshot.reading(before),
        duck.reading(simulate.predicted(rejects.parent, catalog), hint=_LOST),
        files.scratch_folder(scratch, "verify") as work,
        duck.session(catalog.prelude, scratch=work) as session,
    ):
        snapshot.attach(session, before)
        inputs.attach(session, given)
        results += _totals_agree(connection, session, catalog)
        apart = aside.unpredicted(set_aside, catalog)
        for name, columns, relation, expected in _relations(catalog, before, prediction):
            started = time.monotonic()
            found = work / "found.parquet"
            without = () if name.endswith(LEGACY) else apart.get(relation, ())
            rows = extract(url, _select(connection, relation, columns, without), found)
            differing = _compare(session, columns, expected, found, out / "differing" / f"{name}.parquet")
            compared[name] = Compared(rows, differing)
            said = f"{rows:,} rows, {differing:,} differing"
            emit(Event("progress", "verify", f"{name}: {said}", seconds=time.monotonic() - started))
    verification = Verification(
        ok=all(result.ok for result in results) and not any(found.differing for found in compared.values()),
        checks=tuple(results),
        compared=compared,
    )
    files.write_json(out / "verification.json", asdict(verification))
    return verification


def _steps_hold(context: Context, plan: Plan) -> Iterator[Result]:
    """Every step's own proof, asked again at the end."""
    for phase in plan.phases:
        problems = [str(problem) for kind in phase.steps for problem in kind.verify(context)]
        detail = "; ".join(problems[:10]) if problems else f"{len(phase.steps)} steps as they should be"
        yield Result(f"phase {phase.name}", not problems, detail)


def _keys_hold(connection: Connection, before: Snapshot) -> Result:
    """PostgreSQL itself vouches for a constraint that is validated and an index that is valid.

    A customer's own that was not so before is left alone, and does not count.
    """
    excused = [
        name.partition(" ")[2]
        for name, definition in snapshot.document(before).items()
        if name.startswith(("constraint ", "index ")) and _UNPROVED.search(definition)
    ]
    rows = connection.execute(
        """
        with excused as (
            select identifiers[cardinality(identifiers)] as name
            from unnest(%s::text[]) as listed (name)
            cross join lateral parse_ident(listed.name) as identifiers
        ),
        unproved as (
            select constraints.conname as name
            from pg_catalog.pg_constraint as constraints
            where constraints.connamespace = 'public'::regnamespace and not constraints.convalidated
            union all
            select classes.relname
            from pg_catalog.pg_index as indexes
            inner join pg_catalog.pg_class as classes on classes.oid = indexes.indexrelid
            where classes.relnamespace = 'public'::regnamespace and not (indexes.indisvalid and indexes.indisready)
        )
        select unproved.name
        from unproved
        left join migration.renames as renames
            on renames.new_name = unproved.name and renames.kind in ('constraint', 'index')
        where coalesce(renames.old_name, unproved.name) not in (select name from excused)
        order by 1
        """,
        [excused],
    ).fetchall()
    names = ", ".join(str(row[0]) for row in rows)
    return Result(
        "references, keys and rules", not rows, f"not validated: {names}" if rows else "every one is validated"
    )


def _spot_checks(context: Context, before: Snapshot, given: Inputs, out: Path) -> Result:
    settings = context.settings
    found = spotcheck.check(
        context.connection,
        before,
        given,
        run_id=context.run_id,
        count=settings.spot_checks,
        seed=settings.spot_check_seed,
        out=out,
    )
    return Result("spot checks", found.differing == 0, found.detail)


def _rejects_as_predicted(found: Aside) -> Result:
    """One that was taken in since was a reject all the same."""
    detail = f"{len(found.still):,} rejected, {len(found.predicted):,} predicted"
    if found.taken:
        detail += f", {len(found.taken):,} taken in since"
    if not found.as_predicted:
        detail += f"; {len(found.unforeseen):,} unforeseen, {len(found.missing):,} did not happen"
    return Result("rejects as predicted", found.as_predicted, detail)


def _totals_agree(connection: Connection, session: Session, catalog: Catalog) -> Iterator[Result]:
    """Ask each question of `sql/reconcile/` before (snapshot) and after (database)."""
    for question in catalog.questions:
        before = _as_text(duck.run(session, question.sql, origin=str(question.path)).fetchall())
        after = _as_text(connection.execute(question.sql.encode()).fetchall())
        wrong = len(set(before) ^ set(after))
        detail = f"{len(after):,} figures as before" if not wrong else f"{wrong:,} figures differ from before"
        yield Result(f"totals: {question.name}", before == after, detail)


def _as_text(rows: list[Any]) -> list[tuple[str, ...]]:
    return sorted(tuple("" if value is None else str(value) for value in row) for row in rows)


def _relations(
    catalog: Catalog, before: Snapshot, prediction: Path
) -> Iterator[tuple[str, tuple[str, ...], str, Path]]:
    """What is compared: (name in the report, columns, relation to read, Parquet file expected)."""
    for table in before.tables:
        yield f"{table.name}{LEGACY}", tuple(table.columns), f"public.{table.name}", before.folder / table.file
    by_target: dict[str, list[Model]] = {}
    for model in catalog.models_in_order():
        by_target.setdefault(model.target, []).append(model)
    for target, models in by_target.items():
        name = target.removeprefix("public.")
        path = prediction / f"{name}.parquet"
        left_out = {column for model in models for column in model.uncompared}
        with duck.session("", scratch=prediction) as session:
            described = session.execute(f"describe select * from read_parquet({literal(path)})").fetchall()
        yield name, tuple(row[0] for row in described if row[0] not in left_out), target, path


def _select(connection: Connection, relation: str, columns: tuple[str, ...], without: Sequence[int]) -> str:
    kinds = postgres.columns(connection, relation)
    listed = ", ".join(readable(column, kinds[column]).as_string(connection) for column in columns)
    rest = f" where id not in ({', '.join(map(str, without))})" if without else ""
    return f"select {listed} from {quoted(relation)}{rest}"


def _compare(session: Session, columns: tuple[str, ...], expected: Path, found: Path, differing: Path) -> int:
    """Rows that are expected and not found, or found and not expected, as bags; a changed row counts once.

    Both files hold the same bag where the sums of their rows' hashes agree; only where they do not is it looked at row
    by row. Differing rows are saved with the side they were on.
    """
    described = [
        {row[0]: row[1] for row in session.execute(f"describe select * from read_parquet({literal(path)})").fetchall()}
        for path in (expected, found)
    ]
    sides = []
    for path in (expected, found):
        listed = ", ".join(_comparable(column, *(side.get(column, "") for side in described)) for column in columns)
        sides.append(f"(select {listed} from read_parquet({literal(path)}))")
    sums = [
        session.execute(f"select count(*), sum(hash(row)::hugeint) from {side} as row").fetchone() for side in sides
    ]
    if sums[0] == sums[1]:
        return 0
    missing, unforeseen = (
        f"(from {one} except all from {other})" for one, other in ((sides[0], sides[1]), (sides[1], sides[0]))
    )
    differing.parent.mkdir(parents=True, exist_ok=True)
    session.execute(
        f"copy (select 'expected' as side, * from {missing} union all select 'found' as side, * from {unforeseen}) "
        f"to {literal(differing)} (format parquet)"
    )
    row = session.execute(
        f"select max(rows) from (select side, count(*) as rows from read_parquet({literal(differing)}) group by side)"
    ).fetchone()
    return int(row[0] or 0) if row is not None else 0


def _comparable(column: str, expected: str, found: str) -> str:
    """A column in the form in which both sides can be compared: numbers as numbers, all else that differs as text."""
    name = quoted(column)
    if expected == found == "DATE":
        # A day made of a timestamp that the snapshot could not hold was predicted to be as infinite as that.
        return f"case when {name} >= date '{oddities.FIRST_YEAR_LOST}' then date 'infinity' else {name} end as {name}"
    if expected == found:
        return name
    numeric = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DOUBLE", "DECIMAL")
    if expected.startswith(numeric) or found.startswith(numeric):
        return f"cast({name} as decimal(38, 10)) as {name}"
    if "[]" in expected or "[]" in found:
        return f"cast({name} as varchar[]) as {name}"
    return f"cast({name} as varchar) as {name}"
