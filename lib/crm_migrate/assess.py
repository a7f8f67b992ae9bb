"""How good is the data? Every check on the snapshot, in DuckDB, offline; all failing rows are kept (A2-A7)."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from crm_migrate import duck, files, inputs, personal, shared, snapshot
from crm_migrate.catalog import Catalog, Check, Question, Severity
from crm_migrate.duck import Session, literal
from crm_migrate.errors import NoSuchRun
from crm_migrate.events import Event, Sink
from crm_migrate.inputs import Inputs
from crm_migrate.oddities import Oddity
from crm_migrate.snapshot import Snapshot

ASSESSMENT, FINDINGS = "assessment.json", "findings.parquet"
FINDINGS_COLUMNS = ("check", "severity", "table", "key", "detail")
AGAIN = "Run `crm-migrate assess` again."
_SCORE_WITH_BLOCKER = 49
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
_FINDINGS = 'create temp table findings ("check" text, severity text, "table" text, key text, detail text)'


@dataclass(frozen=True, slots=True)
class Source:
    """Which snapshot was assessed.

    Attributes:
        taken_at: ISO 8601, by the server's clock.
        rows: by table.
    """

    id: str
    taken_at: str
    server_version: str
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found: `failing` rows of the `total` in its table, why that matters, and how to mend it (A6)."""

    check: str
    severity: Severity
    table: str
    failing: int
    total: int
    why: str
    fix: str


@dataclass(frozen=True, slots=True)
class TableScore:
    """How good one table is; the figures mean what they mean of all records."""

    records: int
    warning_rows: int
    warning_ratio: float
    blocker_rows: int
    score: int


@dataclass(frozen=True, slots=True)
class Assessment:
    """The state of the source before the migration.

    Attributes:
        records: rows in all tables of the snapshot.
        warning_rows: distinct rows with at least one warning.
        warning_ratio: warning_rows / records, a fraction (B4).
        blocker_rows: distinct rows with at least one blocker; lines of the inputs among them.
        score: 0 to 100, see `score`.
        totals: rows of each question of the catalogue, every value as text, in order (A7).
        tables: the same figures by table of the snapshot.
    """

    snapshot: Source
    records: int
    warning_rows: int
    warning_ratio: float
    blocker_rows: int
    score: int
    checks: tuple[CheckResult, ...]
    totals: Mapping[str, Sequence[Sequence[str | None]]]
    tables: Mapping[str, TableScore]


def assess(
    taken: Snapshot,
    catalog: Catalog,
    given: Inputs,
    *,
    out: Path,
    scratch: Path,
    emit: Sink,
    show_personal_data: bool = False,
) -> Assessment:
    """Run every check on a snapshot and keep what they find.

    Writes `out/findings.parquet` (check, severity, table, key, detail: one row a failing row and check) and
    `out/assessment.json`, the latter last.

    Args:
        scratch: folder for what does not fit into memory; what is made in it is removed.
        show_personal_data: whether addresses and phone numbers that stray into the totals are saved as they are.

    Raises:
        MigrationError: a check or a question does not run in DuckDB; names its file.
        DamagedFile: a file of the snapshot cannot be read.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (
        snapshot.reading(taken),
        files.scratch_folder(scratch, "assess") as work,
        duck.session(catalog.prelude, scratch=work) as session,
    ):
        snapshot.attach(session, taken)
        inputs.attach(session, given)
        session.execute(_FINDINGS)
        totals_of = {f"public.{name}": rows for name, rows in taken.rows.items()}
        totals_of |= {f"migration.{name}": len(table.rows) for name, table in given.tables.items()}
        results = _odd(session, taken.oddities, totals_of)
        asked = [check for check in catalog.checks if check.table in totals_of]  # not every CRM has the colour backup
        results += _checked(session, asked, totals_of, emit)
        counted = _gathered(session, out / FINDINGS)
        overall = _scored(sum(taken.rows.values()), counted.values())
        assessment = Assessment(
            snapshot=Source(taken.id, taken.taken_at.isoformat(), taken.server_version, taken.rows),
            **asdict(overall),
            checks=tuple(results),
            totals={question.name: _answers(session, question, show_personal_data) for question in catalog.questions},
            tables={
                name: _scored(rows, [counted[f"public.{name}"]] if f"public.{name}" in counted else [])
                for name, rows in taken.rows.items()
            },
        )
    files.write_json(out / ASSESSMENT, asdict(assessment))
    return assessment


def load(out: Path) -> Assessment:
    """The assessment that lies in a run's folder.

    Raises:
        NoSuchRun: there is none.
        DamagedFile: it is not what this version saves.
    """
    try:
        return files.read_value(out / ASSESSMENT, Assessment, hint=AGAIN)
    except FileNotFoundError:
        raise NoSuchRun(f"{out} holds no assessment", hint="Run `crm-migrate assess` first.") from None


def score(*, records: int, unsound_rows: int, blocker_rows: int) -> int:
    """From 0 to 100: one hundred times the share of sound records to the power of ten, rounded down.

    A record is sound without warning and blocker. One unsound record in a thousand costs a point, one in a hundred
    (where B4 says NO-GO) ten, one in five leaves 10. While there is a blocker, it is at most 49.
    """
    unsound = min(records, unsound_rows)  # lines of the inputs are no records
    value = math.floor(100 * (1 - unsound / records) ** 10) if records else 100
    return min(value, _SCORE_WITH_BLOCKER) if blocker_rows else value


@dataclass(frozen=True, slots=True)
class _Counted:
    """Distinct rows of one table: with a warning, with a blocker, with either."""

    warning: int
    blocker: int
    unsound: int


def _scored(records: int, counted: Iterable[_Counted]) -> TableScore:
    rows = list(counted)
    warning_rows, blocker_rows = sum(table.warning for table in rows), sum(table.blocker for table in rows)
    unsound_rows = sum(table.unsound for table in rows)
    return TableScore(
        records=records,
        warning_rows=warning_rows,
        warning_ratio=warning_rows / records if records else 0.0,
        blocker_rows=blocker_rows,
        score=score(records=records, unsound_rows=unsound_rows, blocker_rows=blocker_rows),
    )


def _checked(session: Session, checks: Sequence[Check], totals: Mapping[str, int], emit: Sink) -> list[CheckResult]:
    """Every check's rows into the findings; DuckDB puts on disk what does not fit into its memory."""
    began = time.monotonic()
    results: list[CheckResult] = []
    prepared = shared.prepare(session, [(check.sql, str(check.path)) for check in checks])
    for number, (check, asked) in enumerate(zip(checks, prepared, strict=True), start=1):
        for name, beginning in asked.before:
            duck.execute(session, f"create temp table {name} as {beginning}", origin=str(check.path))
        named = f"select cast(key as varchar) as key, detail from ({asked.query}) as found (key, detail)"
        failing = _keep(session, named, (check.name, check.severity, check.table))
        for name in asked.after:
            session.execute(f"drop table {name}")
        results.append(
            CheckResult(check.name, check.severity, check.table, failing, totals[check.table], check.why, check.fix)
        )
        emit(
            Event(
                "progress",
                "assess",
                f"{check.name}: {failing:,} of {totals[check.table]:,} rows",
                rows_done=number,
                rows_total=len(checks),
                seconds=time.monotonic() - began,
            )
        )
    return results


def _keep(session: Session, query: str, labels: tuple[str, str, str]) -> int:
    """Put the rows (key, detail) of a query behind their labels into the findings; returns the number of rows."""
    check, severity, table = (literal(label) for label in labels)
    selected = f"select {check}, {severity}, {table}, key, detail from ({query})"
    done = duck.execute(session, f"insert into temp.findings {selected}", origin=labels[0]).fetchone()
    assert done is not None
    return int(done[0])


_ODDITIES: Mapping[str, tuple[Severity, str, str]] = {
    "dimensions": (
        "warning",
        "An array of arrays is carried over unchanged; whatever reads it as a list sees one element after the other.",
        "Rewrite the column as a plain list.",
    ),
    "lower_bound": (
        "info",
        "An array that does not count from 1 is carried over unchanged; whatever reads it as a list does not notice.",
        "Nothing has to be done; rewrite the column as a plain list to be rid of it.",
    ),
    "out_of_range": (
        "warning",
        "A timestamp behind the year 294246 is carried over unchanged, but no report can show it.",
        "Correct the date.",
    ),
    "not_a_number": ("info", "NaN is carried over unchanged, but no total can be made with it.", "Correct the number."),
    "unreadable_json": (
        "warning",
        "The text is json to PostgreSQL, but it cannot become jsonb, and most programs refuse to read it.",
        "Correct the text; look for \\u0000, for half of a surrogate pair, and for numbers beyond all measure.",
    ),
}


def _odd(session: Session, oddities: Sequence[Oddity], totals: Mapping[str, int]) -> list[CheckResult]:
    """What the snapshot could not hold as PostgreSQL does, as findings: one check a kind and table."""
    results: list[CheckResult] = []
    columns = {"kind": pl.String(), "place": pl.String(), "key": pl.String(), "name": pl.String()}
    rows = [(oddity.kind, oddity.table, oddity.key, oddity.column) for oddity in oddities]
    session.register("oddities", pl.DataFrame(rows, schema=columns, orient="row"))
    for kind, table in sorted({(oddity.kind, oddity.table) for oddity in oddities}):
        severity, why, fix = _ODDITIES[kind]
        name, place = f"snapshot.{kind}", f"public.{table}"
        query = f"""
            select key, 'column ' || string_agg(name, ', ' order by name) as detail from oddities
            where kind = {literal(kind)} and place = {literal(table)} group by key
        """
        failing = _keep(session, query, (name, severity, place))
        results.append(CheckResult(name, severity, place, failing, totals[place], why, fix))
    return results


def _gathered(session: Session, target: Path) -> dict[str, _Counted]:
    """All findings in one file; returns the distinct rows by table, where there are any."""
    part = target.with_name(f".{target.name}.part")
    session.execute(f"copy temp.findings to {literal(part)} (format parquet, compression zstd)")
    part.replace(target)
    rows = session.execute(
        """
        select "table", count(*) filter (where warned), count(*) filter (where blocked), count(*)
        from (
            select "table", key, bool_or(severity = 'warning') as warned, bool_or(severity = 'blocker') as blocked
            from temp.findings where severity <> 'info' group by "table", key
        ) as rows
        group by "table"
        """
    )
    return {table: _Counted(*counts) for table, *counts in rows.fetchall()}


def _answers(session: Session, question: Question, show: bool) -> list[list[str | None]]:
    query = duck.translate(session, question.sql, origin=str(question.path))
    answers = f"select cast(columns(*) as varchar) from ({query}) as answers order by all"
    rows = duck.execute(session, answers, origin=str(question.path)).fetchall()
    return [[value if show else _veiled(value) for value in row] for row in rows]


def _veiled(value: str | None) -> str | None:
    """A value of a total: a number as it is, a text without the addresses that stray into it."""
    return value if value is None or _NUMBER.fullmatch(value) else personal.without_contacts(value)
