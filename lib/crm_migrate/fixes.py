"""The repair script: one file of SQL that mends what can be mended safely, for a person to review and run.

It is made offline, from the findings and the snapshot. Each statement names the rows by their keys, so that nothing
changes but what was found and reviewed, and asks its check again, so that a row that somebody mended since stays as it
is.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from crm_migrate import assess, duck, files, inputs, mends, snapshot
from crm_migrate.assess import Assessment
from crm_migrate.catalog import Catalog, Severity
from crm_migrate.duck import Session, literal
from crm_migrate.inputs import Inputs
from crm_migrate.mends import Mend
from crm_migrate.snapshot import Snapshot

FIXES = "fixes.sql"
_WIDTH = 118


@dataclass(frozen=True, slots=True)
class Fix:
    """What the script does about one check.

    Attributes:
        found: rows that fail.
        mended: how many of them the script mends; the others are left to people.
        sets: the columns that change.
        why: what is done, and why that is safe.
    """

    check: str
    severity: Severity
    table: str
    found: int
    mended: int
    sets: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Fixes:
    """The script and what it does.

    Attributes:
        file: where it lies.
        snapshot: id of the snapshot in which the rows were found.
        fixes: in the order in which they run.
        left: rows that fail a check with a warning or a blocker, by check, and are left to people.
    """

    file: str
    snapshot: str
    fixes: tuple[Fix, ...]
    left: dict[str, int]


def write(
    taken: Snapshot, found: Assessment, catalog: Catalog, given: Inputs, *, run_id: str, out: Path, scratch: Path
) -> Fixes:
    """Write `out/fixes.sql`: one transaction that mends what the assessment of a run found, as far as that is safe.

    A row that the snapshot holds otherwise than PostgreSQL does (an array of arrays) is left to people.

    Args:
        scratch: folder for what does not fit into memory; what is made in it is removed.

    Raises:
        MigrationError: the condition of a mend does not run in DuckDB; names its file.
        CatalogError: a mend breaks its contract.
        DamagedFile: a file of the snapshot, or the findings, cannot be read.
    """
    failing = {result.check: result for result in found.checks if result.failing}
    statements: list[str] = []
    fixes: list[Fix] = []
    findings = {out / assess.FINDINGS: assess.FINDINGS_COLUMNS}
    with (
        snapshot.reading(taken),
        duck.reading(findings, hint=assess.AGAIN),
        files.scratch_folder(scratch, "fixes") as work,
        duck.session(catalog.prelude, scratch=work) as session,
    ):
        snapshot.attach(session, taken)
        inputs.attach(session, given)
        for mend in mends.load(catalog):
            if mend.check.name not in failing:
                continue
            keys = _keys(session, mend, out / assess.FINDINGS)
            result = failing[mend.check.name]
            fix = Fix(result.check, result.severity, result.table, result.failing, len(keys), mend.sets, mend.why)
            fixes.append(fix)
            if keys:
                statements.append(_comment(fix, result.why) + _statement(mend, keys, given))
    heading = _HEADING.format(run=run_id, snapshot=taken.id, taken_at=taken.taken_at.isoformat(timespec="seconds"))
    files.write_text(out / FIXES, "\n".join([heading, *statements, "commit;\n"]))
    mended = {fix.check: fix.mended for fix in fixes}
    left = {
        name: result.failing - mended.get(name, 0)
        for name, result in failing.items()
        if result.severity != "info" and result.failing > mended.get(name, 0)
    }
    return Fixes(str(out / FIXES), taken.id, tuple(fixes), left)


_HEADING = """\
-- Repairs for run {run}, made from snapshot {snapshot} of {taken_at}.
--
-- Review each statement, take out what you do not want, and let psql run the rest as the owner of the tables:
--
--     psql --file fixes.sql DATABASE
--
-- It is one transaction: all of it happens, or nothing. Each statement touches only the rows that were found, and of
-- those only what still fails its check. Then take a new snapshot and assess it.

\\set ON_ERROR_STOP on

-- somebody's change of the same row in the meantime is an error, not a change that is lost
begin isolation level repeatable read;
-- a role that does not see all rows is told so
set local row_security = off;
set local lock_timeout = '10s';
"""


def _keys(session: Session, mend: Mend, findings: Path) -> list[int]:
    """Keys of the failing rows that the mend is safe for, in order."""
    check = mend.check
    rows = f"read_parquet({literal(findings)})"
    safe = ""
    if mend.safe:
        query = f"select id from {mend.relation} where {mend.safe}"
        safe = f"and cast(key as bigint) in ({duck.translate(session, query, origin=str(mend.path))})"
    done = duck.execute(
        session,
        f"""
        select cast(key as bigint) from {rows} where "check" = {literal(check.name)} {safe}
        and key not in (
            select key from {rows} where starts_with("check", 'snapshot.') and "table" = {literal(check.table)}
        )
        order by 1
        """,
        origin=str(mend.path),
    )
    return [key for (key,) in done.fetchall()]


def _comment(fix: Fix, why: str) -> str:
    rows = f"{fix.mended:,} of {fix.found:,} rows found are mended"
    lines = [f"{fix.check} ({fix.severity}): {rows}.", why, f"Changes {', '.join(fix.sets)}. {fix.why}"]
    return "".join(f"{wrapped}\n" for line in lines for wrapped in _wrapped(line))


def _wrapped(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, _WIDTH, initial_indent="-- ", subsequent_indent="--     ")


def _statement(mend: Mend, keys: Sequence[int], given: Inputs) -> str:
    safe = f"({mend.safe})\n    and " if mend.safe else ""
    statement = f"""{mend.change}
where {safe}{mend.relation}.id = any (cast('{{
{_listed(keys)}
    }}' as bigint[]))
    and {mend.relation}.id in (
        select found.key
        from (

{textwrap.indent(mend.check.sql, " " * 12)}

        ) as found (key, detail)
    );
"""
    return re.sub(r"\bmigration\.(\w+)", lambda match: _values(given, match[1]), statement)


def _listed(keys: Sequence[int]) -> str:
    """The keys as the inside of an array, ten a line: a file with a million of them is still one that editors open."""
    lines = (", ".join(map(str, keys[first : first + 10])) for first in range(0, len(keys), 10))
    return ",\n".join(f"        {line}" for line in lines)


def _values(given: Inputs, name: str) -> str:
    """A table of schema `migration` as a list of its rows: before the night the database has no such schema."""
    table = given.tables[name]
    columns = ", ".join(column.name for column in table.columns)
    kinds = ", ".join(f"cast(null as {column.type})" for column in table.columns)
    rows = "".join(
        f", ({', '.join('null' if value is None else literal(value) for value in row)})" for row in table.rows
    )
    return f"(values ({kinds}){rows} offset 1) as {name} ({columns})"
