"""The migration in DuckDB, on the snapshot: the rows it will make and the rows it will refuse (B1, B2).

Every model runs in the order of the plan, from the same file that PostgreSQL will run. Each result lies in Parquet
before the next one starts, so memory stays flat (H2), and stands under its target's name for the models that read it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from crm_migrate import constraints, duck, files, inputs, outcome, policies, refusals, routines, snapshot, targets
from crm_migrate.catalog import Catalog, Model
from crm_migrate.constraints import Constraint
from crm_migrate.duck import Session, literal, quoted
from crm_migrate.errors import NoSuchRun
from crm_migrate.events import Event, Sink
from crm_migrate.inputs import Inputs
from crm_migrate.notices import Notice
from crm_migrate.outcome import Relationships
from crm_migrate.snapshot import Snapshot

SIMULATION, REJECTS, PREDICTION = "simulation.json", "rejects.parquet", "prediction"
REJECTS_COLUMNS = ("model", "key", "reason", "late", "kind")
AGAIN = "Run `crm-migrate dry-run` again."


@dataclass(frozen=True, slots=True)
class ModelResult:
    """What one model gives: rows read from its driver, rows predicted, driving rows refused."""

    model: str
    target: str
    mode: str
    source_rows: int
    rows: int
    rejects: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """How many driving rows of a model break one rule of its target.

    Attributes:
        reason: what is wrong with them, in words.
        late: whether the rule comes after the load, where none can be set aside.
    """

    model: str
    rule: str
    kind: str
    reason: str
    late: bool
    rows: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the night will take.

    Attributes:
        seconds: of the phases, with a buffer of 50 %; None where nobody measured how fast the server is.
        disk_bytes: on the server.
        memory_bytes: here.
        basis: what the seconds rest on: rehearsal or calibration.
        phases: seconds by phase, without the buffer.
    """

    seconds: float | None
    disk_bytes: int
    memory_bytes: int
    basis: str = ""
    phases: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Simulation:
    """The predicted migration.

    Attributes:
        new_entities: rows that will be created, by target table.
        relationships: how contacts, opportunities and activities will hang together.
        refusals: each rule that is broken, the most often first.
        rejects_by_kind: refused rows by kind of rule: not_null, enumeration, check, foreign_key, unique, trigger.
        late_rejects: refused rows that no batch can isolate, since their rule comes after the load; a reason for NO-GO.
        stages: how many deals of a legacy stage get which stage: (legacy_stage, stage, deals).
        rejects_by_reason: refused rows by reason.
        notices: policies that no new table can take over, functions that will break when they are called.
    """

    snapshot_id: str
    models: tuple[ModelResult, ...]
    new_entities: Mapping[str, int]
    estimate: Estimate
    late_rejects: int
    stages: tuple[tuple[str, str, int], ...]
    rejects_by_reason: Mapping[str, int]
    rejects_by_kind: Mapping[str, int] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    relationships: Relationships = field(default_factory=Relationships)
    notices: tuple[Notice, ...] = ()

    @property
    def blockers(self) -> tuple[Notice, ...]:
        """What of the customer's own stands in the way; a reason for NO-GO."""
        return tuple(notice for notice in self.notices if notice.severity == "blocker")


def simulate(taken: Snapshot, catalog: Catalog, given: Inputs, *, out: Path, scratch: Path, emit: Sink) -> Simulation:
    """Run every model in DuckDB and keep what it predicts.

    Writes `out/prediction/<target>.parquet` (the model's columns, one row a predicted row), `out/rejects.parquet`
    (model, key, reason, late, kind: one row a reason) and `out/simulation.json`.

    Raises:
        MigrationError: a model does not run in DuckDB; names its file.
        DamagedFile: a file of the snapshot cannot be read.
    """
    started = time.monotonic()
    rules = constraints.of(catalog)
    models = catalog.models_in_order()
    with (
        snapshot.reading(taken),
        files.scratch_folder(scratch, "simulate") as work,
        duck.session(catalog.prelude, scratch=work) as session,
    ):
        snapshot.attach(session, taken)
        inputs.attach(session, given)
        targets.remember_sources(session)
        refusals.prepare(session)
        results: list[ModelResult] = []
        for number, model in enumerate(models, start=1):
            results.append(_run(session, model, rules.get(model.target, ()), models, work))
            emit(
                Event(
                    "progress",
                    "simulate",
                    f"{model.name}: {results[-1].rows:,} rows, {results[-1].rejects:,} rejects",
                    rows_done=number,
                    rows_total=len(models),
                    seconds=time.monotonic() - started,
                )
            )
        disk = _save_predictions(session, models, work, out / PREDICTION)
        session.execute(f"copy simulated_rejects to {literal(out / REJECTS)} (format parquet)")
        simulation = Simulation(
            snapshot_id=taken.id,
            models=tuple(results),
            new_entities=_new_entities(results),
            estimate=Estimate(
                seconds=None,
                disk_bytes=disk,
                memory_bytes=psutil.Process().memory_info().rss,
            ),
            late_rejects=_count(session, "select count(*) from simulated_rejects where late"),
            stages=outcome.stages(session),
            rejects_by_reason=_refused(session, "reason"),
            rejects_by_kind=_refused(session, "kind"),
            refusals=_refusals(session, catalog, rules),
            relationships=outcome.relationships(session),
            notices=_notices(taken, catalog, given),
        )
    save(simulation, out)
    return simulation


def save(simulation: Simulation, out: Path) -> None:
    """Write `out/simulation.json`."""
    files.write_json(out / SIMULATION, asdict(simulation))


def load(out: Path) -> Simulation:
    """Read `out/simulation.json`.

    Raises:
        NoSuchRun: there is none.
        DamagedFile: it is not what this version saves.
    """
    try:
        return files.read_value(out / SIMULATION, Simulation, hint=AGAIN)
    except FileNotFoundError:
        raise NoSuchRun(f"{out} holds no simulation", hint="Run `crm-migrate dry-run` first.") from None


def predicted(out: Path, catalog: Catalog) -> dict[Path, tuple[str, ...]]:
    """The files of a prediction, each with the columns that whoever reads it relies on."""
    keys = {model.target: model.key for model in catalog.models_in_order()}
    of_targets = {out / PREDICTION / f"{target.removeprefix('public.')}.parquet": key for target, key in keys.items()}
    return {out / REJECTS: REJECTS_COLUMNS, **of_targets}


def _notices(taken: Snapshot, catalog: Catalog, given: Inputs) -> tuple[Notice, ...]:
    """What the schema of the snapshot alone says, blockers first."""
    document = snapshot.document(taken)
    lines = (policies.Given(*row) for row in given.tables["policies"].rows)  # type: ignore[arg-type]
    return (*policies.notices(document, catalog, lines), *routines.notices(document, taken.server_version))


def _run(
    session: Session, model: Model, rules: tuple[Constraint, ...], models: tuple[Model, ...], work: Path
) -> ModelResult:
    raw, accepted = work / f"{model.name}.raw.parquet", work / f"{model.name}.parquet"
    query = duck.translate(session, model.sql, origin=str(model.path))
    duck.execute(session, f"copy ({query}) to {literal(raw)} (format parquet)", origin=str(model.path))
    session.execute(f"create or replace view simulated as select * from read_parquet({literal(raw)})")
    refusals.note(session, model, rules)
    key = quoted(model.key[0])
    refused = f"select key from simulated_rejects where model = {literal(model.name)}"
    rejects = _count(session, f"select count(distinct key) from ({refused})")
    if rejects:
        kept = f"select * from simulated where {key} not in ({refused})"
        session.execute(f"copy ({kept}) to {literal(accepted)} (format parquet)")
    else:
        raw.rename(accepted)
    if model.mode == "update":
        targets.show_updated(session, model, accepted)
    else:
        targets.show_inserted(session, model, models, work)
    return ModelResult(
        model=model.name,
        target=model.target.removeprefix("public."),
        mode=model.mode,
        source_rows=_count(session, f"select count(*) from {quoted(model.driver)}"),
        rows=_count(session, f"select count(*) from read_parquet({literal(accepted)})"),
        rejects=rejects,
    )


def _save_predictions(session: Session, models: tuple[Model, ...], work: Path, folder: Path) -> int:
    """Write one file a target; returns the bytes that the rows will take on the server, roughly.

    New rows count once with their indexes, updated rows once more as the dead version they leave behind.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # it holds personal data
    size = 0
    for target in dict.fromkeys(model.target for model in models):
        path = folder / f"{target.removeprefix('public.')}.parquet"
        made = f"read_parquet({targets.made(target, models, work)}, union_by_name = true)"
        session.execute(f"copy (select * from {made}) to {literal(path)} (format parquet, compression zstd)")
        size += 2 * _count(
            session, f"select coalesce(sum(total_uncompressed_size), 0)::bigint from parquet_metadata({literal(path)})"
        )
    return size


def _new_entities(results: list[ModelResult]) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for result in results:
        if result.mode == "insert":
            counted[result.target] += result.rows
    return dict(counted)


def _refusals(session: Session, catalog: Catalog, rules: Mapping[str, tuple[Constraint, ...]]) -> tuple[Refusal, ...]:
    rows = session.execute(
        "select model, reason, kind, late, count(distinct key) from simulated_rejects group by all "
        "order by 5 desc, 1, 2"
    ).fetchall()
    said = {(target, rule.name): constraints.said(rule) for target, group in rules.items() for rule in group}
    return tuple(
        Refusal(model, rule, kind, said[catalog.models[model].target, rule], late, number)
        for model, rule, kind, late, number in rows
    )


def _refused(session: Session, by: str) -> dict[str, int]:
    rows = session.execute(f"select {by}, count(*) from simulated_rejects group by 1 order by 2 desc, 1").fetchall()
    return dict(rows)


def _count(session: Session, query: str) -> int:
    row = session.execute(query).fetchone()
    assert row is not None
    return int(row[0])
