"""Is everything there, and is it what was predicted (D1, D3)?

Counts and sums are asked on both engines by legacy names; every row of every target is compared with its prediction,
and every legacy row with the final snapshot. Nothing here shares code with the loads.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from crm_migrate import access, aside, compatibility, duck, files, inputs, simulate, since, snapshot, spotcheck
from crm_migrate.aside import Aside
from crm_migrate.catalog import Catalog
from crm_migrate.duck import Session
from crm_migrate.errors import NoSuchRun
from crm_migrate.inputs import Inputs
from crm_migrate.plan import Plan
from crm_migrate.postgres import Connection
from crm_migrate.schema import Document
from crm_migrate.since import Log
from crm_migrate.snapshot import Snapshot
from crm_migrate.steps import Context
from crm_migrate.verify import expected, integrity, rows, structure
from crm_migrate.verify.rows import LEGACY, Compared
from crm_migrate.verify.value import Result

__all__ = ["LEGACY", "Compared", "Result", "Verification", "load", "structure", "verify"]

_LOST = (
    "Bring it back from a copy of the run's folder; without it nothing can be compared with what was predicted, and a "
    "run that is midway can only be taken back: `crm-migrate abort --confirm DATABASE`."
)
_FILLED = (
    ("contacts.company_id_backup is filled", "contacts"),
    ("contact_organizations is filled", "contact_organizations"),
)
_UNPROVED = re.compile(r" (not valid|invalid( clustered)?( replica identity)?)$")  # as `schema.describe` writes it


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
    objects: Document,
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
        objects: the catalogue of this very database at that moment.
        prediction: folder of `<target>.parquet`, predicted from `before`.
        rejects: the predicted rejects, in the folder around `prediction`.
        out: `verification.json` and, where rows differ, `differing/<relation>.parquet` go there.
        scratch: what was read lies there while it is compared.
    """
    connection, catalog, emit = context.connection, context.catalog, context.emit
    predicted = simulate.predicted(rejects.parent, catalog)
    with duck.reading(predicted, hint=_LOST):
        set_aside = aside.read(connection, context.run_id, catalog, rejects)
    log = since.log(connection, context.run_id)
    entries = expected.load(catalog.root)
    results = [
        *_steps_hold(context, plan),
        _keys_hold(connection, objects),
        _rejects_as_predicted(set_aside),
        _spot_checks(context, before, given, log, out),
        *structure.critical(connection, context.run_id, objects),
        *expected.as_expected(connection, catalog, objects),
        *integrity.holds(connection, expected.wanted(entries, objects)),
        *structure.as_certified(connection, out),
        structure.sequences(connection, out),
        *structure.works(connection, expected.views(entries)),
        Result("leaks closed", True, "; ".join(access.closed_leaks(connection)) or "there was none"),
    ]
    shutil.rmtree(out / "differing", ignore_errors=True)
    with (
        snapshot.reading(before),
        duck.reading(predicted, hint=_LOST),
        files.scratch_folder(scratch, "verify") as work,
        duck.session(catalog.prelude, scratch=work) as session,
    ):
        snapshot.attach(session, before)
        inputs.attach(session, given)
        compared = rows.compare(
            connection,
            session,
            catalog,
            before,
            url=url,
            prediction=prediction,
            apart=aside.unpredicted(set_aside, catalog),
            log=log,
            differing=out / "differing",
            made_as=out / "made_as",
            work=work,
            emit=emit,
        )
        results += [
            Result(name, True, f"{compared[target].rows:,} rows as predicted")
            if not compared[target].differing
            else Result(name, False, f"{compared[target].differing:,} rows of {target} differ")
            for name, target in _FILLED
        ]
        moved = sum(one.written_since for one in compared.values())
        results += _totals_agree(connection, session, catalog, moved=moved)
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


def _keys_hold(connection: Connection, before: Document) -> Result:
    """PostgreSQL itself vouches for a constraint that is validated and an index that is valid.

    A customer's own that was not so before is left alone, and does not count.
    """
    excused = [
        name.partition(" ")[2]
        for name, definition in before.items()
        if name.startswith(("constraint ", "index ")) and _UNPROVED.search(definition)
    ]
    unproved = connection.execute(
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
    names = ", ".join(str(row[0]) for row in unproved)
    return Result(
        "references, keys and rules", not unproved, f"not validated: {names}" if unproved else "every one is validated"
    )


def _spot_checks(context: Context, before: Snapshot, given: Inputs, log: Log | None, out: Path) -> Result:
    settings = context.settings
    found = spotcheck.check(
        context.connection,
        before,
        given,
        run_id=context.run_id,
        log=log,
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


def _totals_agree(connection: Connection, session: Session, catalog: Catalog, *, moved: int) -> Iterator[Result]:
    """Ask each question of `sql/reconcile/` before (snapshot) and after (database).

    Where users wrote since, figures may move; then the rows that they did not write are what has to agree.
    """
    for question in catalog.questions:
        before = _as_text(duck.run(session, question.sql, origin=str(question.path)).fetchall())
        now = compatibility.reading(connection, question.sql)
        after = _as_text(connection.execute(now.encode()).fetchall())
        wrong = len(set(before) ^ set(after))
        detail = f"{len(after):,} figures as before" if not wrong else f"{wrong:,} figures differ from before"
        if wrong and moved:
            detail += "; users wrote since, and every row that they did not write is compared on its own"
        yield Result(f"totals: {question.name}", before == after or moved > 0, detail)


def _as_text(answers: list[Any]) -> list[tuple[str, ...]]:
    return sorted(tuple("" if value is None else str(value) for value in row) for row in answers)
