"""What stands under `sql/`: checks, models, questions, phases and steps, read strictly, with one hash over all.

A file begins with lines `-- key: value`; two spaces after the dashes continue the value of the line above. An unknown,
missing or repeated key stops the load and names file and line: a migration does not start on a file that was half
understood.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from crm_migrate.errors import CatalogError

Severity = Literal["blocker", "warning", "info"]
Mode = Literal["insert", "update"]

_LEGACY = {"opportunities": "deals", "opportunityNotes": "dealNotes"}
_REBUILT = {
    "deals",
    "deals.stage",
    "companies_summary",
    "contacts_summary",
}  # names that are given up before they are taken
_HEADER = re.compile(r"-- (?P<key>[a-z_]+): (?P<value>\S.*)$")
_CONTINUED = re.compile(r"--  +(?P<value>\S.*)$")


@dataclass(frozen=True, slots=True)
class Check:
    """A question about the source whose answer is the bad rows: key first, then a detail in words (A6)."""

    name: str
    severity: Severity
    table: str
    why: str
    fix: str
    sql: str
    path: Path


@dataclass(frozen=True, slots=True)
class Model:
    """One SELECT that makes target rows; PostgreSQL and DuckDB run the same text (B1).

    Attributes:
        target: schema-qualified table, by its target name.
        mode: `insert` makes rows, `update` fills columns of rows that exist.
        driver: schema-qualified table, by its legacy name, whose primary key `driver_key` cuts the batches.
        key: output columns that identify a row; the first is the driver's primary key.
        rows: how many rows come of one driving row: same, fewer or more.
        uncompared: output columns that PostgreSQL alone can compute; DuckDB predicts NULL for them.
    """

    name: str
    target: str
    mode: Mode
    driver: str
    driver_key: str
    key: tuple[str, ...]
    rows: str
    why: str
    sql: str
    path: Path
    uncompared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """A count or sum that must be the same before and after (D1); asked by legacy names on both engines."""

    name: str
    why: str
    sql: str
    path: Path


@dataclass(frozen=True, slots=True)
class SqlFiles:
    """A schema change, its way back and its proof; `verify` returns one row (object, problem) a thing that is wrong."""

    name: str
    why: str
    apply: str
    revert: str
    verify: str
    path: Path


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of the plan: its kind, and what the kind works on (`sql:10_tables`, `load:activities_from_tasks`)."""

    kind: str
    subject: str

    @property
    def name(self) -> str:
        """As it stands in plan.toml, in migration_history and in every report."""
        return f"{self.kind}:{self.subject}"


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the migration that is finished or not begun as far as users are concerned (C3)."""

    name: str
    why: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Catalog:
    """All of `sql/` as a value.

    Attributes:
        sql_files: by (phase name, step subject).
        fingerprint: SHA-256 over the path and content of every file under `root`.
    """

    root: Path
    checks: tuple[Check, ...]
    models: Mapping[str, Model]
    questions: tuple[Question, ...]
    phases: tuple[Phase, ...]
    sql_files: Mapping[tuple[str, str], SqlFiles]
    prelude: str
    state: tuple[str, ...]
    fingerprint: str

    def models_in_order(self) -> tuple[Model, ...]:
        """The models in the order in which the plan loads them."""
        return tuple(self.models[step.subject] for phase in self.phases for step in phase.steps if step.kind == "load")


_CREATED = re.compile(
    r"create (?:unique )?(?P<kind>table|view|type|function|index)\s+(?:public\.)?(?P<name>(?!public\b)\w+)"
    r"|alter table public\.(?P<table>\S+)(?P<columns>(?:\s+add column [^;]*))"
    r"|alter table public\.\"?(?P<constrained>\w+)\"?(?P<constraints>\s+add constraint [^;]*)"
    r"|alter table public\.\"?(?P<of>\w+)\"? rename column \w+ to (?P<column>\w+)"
    r"|alter table \S+ rename to \"?(?P<renamed>\w+)\"?",
    re.IGNORECASE,
)
_CONSTRAINT = re.compile(r"add constraint (\w+)\s+(primary key|unique|exclude)?", re.IGNORECASE)


def created(catalog: Catalog) -> tuple[tuple[str, str], ...]:
    """What the plan will create in schema public, so that it can be seen beforehand whether a name is taken.

    Returns:
        (kind, name) in order of the plan; kind is relation, type, function, column or constraint. The name of a column
        or a constraint is table.name with the table's legacy name; a key is a relation besides, as its index is one.
    """
    found: dict[tuple[str, str], None] = {}
    for phase in catalog.phases:
        for step in phase.steps:
            if step.kind != "sql":
                continue
            for match in _CREATED.finditer(catalog.sql_files[phase.name, step.subject].apply):
                if table := match["table"] or match["of"]:
                    names = re.findall(r"add column (\w+)", match["columns"] or "", re.IGNORECASE) or [match["column"]]
                    legacy = _LEGACY.get(table, table)
                    found |= dict.fromkeys(("column", f"{legacy}.{name}") for name in names)
                elif table := match["constrained"]:
                    for name, key in _CONSTRAINT.findall(match["constraints"]):
                        found["constraint", f"{_LEGACY.get(table, table)}.{name}"] = None
                        if key:
                            found["relation", name] = None
                elif match["renamed"]:
                    found["relation", match["renamed"]] = None
                else:
                    kind = match["kind"].lower()
                    found[kind if kind in ("type", "function") else "relation", match["name"]] = None
    return tuple(pair for pair in found if pair[1] not in _REBUILT)


def default_root() -> Path:
    """The `sql/` of the checkout, or the copy that lies in the installed package."""
    checkout = Path(__file__).resolve().parents[2] / "sql"
    return checkout if checkout.is_dir() else Path(__file__).resolve().parent / "_sql"


def load(root: Path | None = None) -> Catalog:
    """Read everything under `root` and check that it hangs together.

    Raises:
        CatalogError: a file breaks its contract, a step names what does not exist, or a file is in no plan.
    """
    root = default_root() if root is None else root
    checks = tuple(_checks(root))
    models = {model.name: model for model in _models(root)}
    phases, sql_files = _plan(root, models)
    return Catalog(
        root=root,
        checks=checks,
        models=models,
        questions=tuple(_questions(root)),
        phases=phases,
        sql_files=sql_files,
        prelude=(root / "duckdb" / "prelude.sql").read_text(encoding="utf-8"),
        state=tuple(path.read_text(encoding="utf-8") for path in sorted((root / "state").glob("*.sql"))),
        fingerprint=fingerprint(root),
    )


def fingerprint(root: Path) -> str:
    """SHA-256 over the relative path and the bytes of every file under `root`, in order of path."""
    digest = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def file_hashes(root: Path) -> dict[str, str]:
    """SHA-256 of every file under `root` by its relative path: what `fingerprint` is made of."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(path for path in root.rglob("*") if path.is_file())
    }


def read_header(
    path: Path, *, required: frozenset[str], optional: frozenset[str] = frozenset()
) -> tuple[dict[str, str], str]:
    """Split a file into its header and its body.

    Returns:
        The header's values by key, and the statement below it without a trailing semicolon.

    Raises:
        CatalogError: a key is unknown, repeated or missing, or there is nothing below the header.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    values: dict[str, str] = {}
    last = ""
    number = 0
    for number, line in enumerate(lines, start=1):
        if (match := _HEADER.match(line)) is not None:
            last = match["key"]
            if last not in required | optional:
                known = ", ".join(sorted(required | optional))
                raise CatalogError(path, number, f"unknown key '{last}'; known are {known}")
            if last in values:
                raise CatalogError(path, number, f"key '{last}' stands twice")
            values[last] = match["value"].strip()
        elif last and (match := _CONTINUED.match(line)) is not None:
            values[last] += " " + match["value"].strip()
        else:
            break
    if missing := sorted(required - values.keys()):
        raise CatalogError(path, number or 1, f"missing key '{missing[0]}'")
    body = "\n".join(lines[number - 1 :]).strip().removesuffix(";").rstrip()
    if not body or last == "" or (number == len(lines) and _is_header(lines[-1])):
        raise CatalogError(path, len(lines), "no statement below the header")
    return values, body


def _is_header(line: str) -> bool:
    return bool(_HEADER.match(line) or _CONTINUED.match(line))


def _checks(root: Path) -> Iterator[Check]:
    required = frozenset({"check", "severity", "table", "why", "fix", "returns"})
    for path in sorted(set((root / "checks").glob("*/*.sql")) - set((root / "checks").glob("*/*.mend.sql"))):
        header, body = read_header(path, required=required)
        expected = f"{path.parent.name}.{path.stem}"
        if header["check"] != expected:
            raise CatalogError(path, 1, f"the check is called '{header['check']}', its path says '{expected}'")
        if header["severity"] not in ("blocker", "warning", "info"):
            raise CatalogError(path, 2, f"severity '{header['severity']}' is not blocker, warning or info")
        yield Check(
            name=header["check"],
            severity=cast("Severity", header["severity"]),
            table=header["table"],
            why=header["why"],
            fix=header["fix"],
            sql=body,
            path=path,
        )


def _models(root: Path) -> Iterator[Model]:
    required = frozenset({"model", "target", "mode", "driver", "key", "rows", "why"})
    for path in sorted((root / "models").glob("*.sql")):
        header, body = read_header(path, required=required, optional=frozenset({"uncompared"}))
        if header["model"] != path.stem:
            raise CatalogError(path, 1, f"the model is called '{header['model']}', its file '{path.stem}'")
        if header["mode"] not in ("insert", "update"):
            raise CatalogError(path, 3, f"mode '{header['mode']}' is not insert or update")
        if header["rows"] not in ("same", "fewer", "more"):
            raise CatalogError(path, 1, f"rows '{header['rows']}' is not same, fewer or more")
        if header["driver"].count(".") != 2:
            raise CatalogError(path, 4, f"driver '{header['driver']}' is not schema.table.column")
        driver, driver_key = header["driver"].rsplit(".", 1)
        yield Model(
            name=header["model"],
            target=header["target"],
            mode=cast("Mode", header["mode"]),
            driver=driver,
            driver_key=driver_key,
            key=_listed(header["key"]),
            rows=header["rows"],
            why=header["why"],
            sql=body,
            path=path,
            uncompared=_listed(header.get("uncompared", "")),
        )


def _questions(root: Path) -> Iterator[Question]:
    for path in sorted((root / "reconcile").glob("*.sql")):
        header, body = read_header(path, required=frozenset({"question", "why"}))
        if header["question"] != path.stem:
            raise CatalogError(path, 1, f"the question is called '{header['question']}', its file '{path.stem}'")
        yield Question(name=path.stem, why=header["why"], sql=body, path=path)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _plan(root: Path, models: Mapping[str, Model]) -> tuple[tuple[Phase, ...], dict[tuple[str, str], SqlFiles]]:
    path = root / "plan.toml"
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("phase", [])
    except tomllib.TOMLDecodeError as error:
        raise CatalogError(path, 1, f"not TOML: {error}") from None
    phases: list[Phase] = []
    files: dict[tuple[str, str], SqlFiles] = {}
    seen: set[str] = set()
    for entry in entries:
        if set(entry) != {"name", "why", "steps"}:
            raise CatalogError(path, 1, f"a phase has exactly name, why and steps, not {', '.join(sorted(entry))}")
        steps = []
        for text in entry["steps"]:
            kind, _, subject = text.partition(":")
            if kind == "load" and subject not in models:
                raise CatalogError(path, _line_of(path, text), f"step '{text}': there is no model '{subject}'")
            if f"{entry['name']}/{text}" in seen or (kind != "sql" and text in seen):
                raise CatalogError(path, _line_of(path, text), f"step '{text}' stands twice")
            seen |= {text, f"{entry['name']}/{text}"}
            if kind == "sql":
                files[entry["name"], subject] = _sql_step(root, entry["name"], subject)
            steps.append(Step(kind, subject))
        phases.append(Phase(entry["name"], entry["why"], tuple(steps)))
    _nothing_is_left_over(root, path, models, seen, files)
    return tuple(phases), files


def _sql_step(root: Path, phase: str, subject: str) -> SqlFiles:
    folder = root / "phases" / phase
    parts: dict[str, str] = {}
    why = ""
    for part in ("apply", "revert", "verify"):
        path = folder / f"{subject}.{part}.sql"
        if not path.is_file():
            raise CatalogError(path, 1, f"step 'sql:{subject}' of phase {phase} lacks its {part} file")
        header, parts[part] = read_header(path, required=frozenset({"step", "why"}))
        if header["step"] != subject:
            raise CatalogError(path, 1, f"the step is called '{header['step']}', its file '{subject}'")
        why = header["why"] if part == "apply" else why
    return SqlFiles(name=subject, why=why, path=folder / f"{subject}.apply.sql", **parts)


def _nothing_is_left_over(
    root: Path, plan: Path, models: Mapping[str, Model], seen: set[str], files: Mapping[tuple[str, str], SqlFiles]
) -> None:
    for model in models.values():
        if f"load:{model.name}" not in seen:
            raise CatalogError(model.path, 1, f"no phase of {plan.name} loads this model")
    for path in sorted((root / "phases").glob("*/*.sql")):
        subject = path.name.split(".")[0]
        if (path.parent.name, subject) not in files:
            raise CatalogError(path, 1, f"no step of {plan.name} uses this file")


def _line_of(path: Path, text: str) -> int:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if f'"{text}"' in line:
            return number
    return 1
