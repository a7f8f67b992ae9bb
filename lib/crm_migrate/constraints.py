"""The rules that the target's tables hold, read from the very files that create them.

The simulation asks them of every predicted row, so a rule is written once: in `sql/phases/`. Rules that stand in
`create table` work while rows come in, and a row that breaks one is isolated; keys, references and rules of legacy
tables are added after the load (design, idea 3), where a single bad row would stop the step. These are `late`. So are
the triggers that look at other rows: they would let a bad row lie, and refuse whoever touches it later.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import sqlglot
from sqlglot import exp

from crm_migrate.catalog import Catalog

Kind = Literal["not_null", "enumeration", "check", "foreign_key", "unique", "trigger"]

_STATEMENT = re.compile(
    r"^(create table|alter table|create unique index|create type|create trigger)\b.*?;\s*$",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
_TRIGGER = re.compile(
    r"create trigger (?P<name>\w+)\s+(?:before|after) insert on (?P<table>\S+)\s+for each row when \((?P<when>.*)\)\s+"
    r"execute function public\.(?P<function>\w+)\((?:'(?P<column>\w+)')?\);",
    re.DOTALL | re.IGNORECASE,
)
NO_CYCLE = "no cycle"
_DEMANDS = {
    "validate_principal_organization": ("is_principal", ""),
    "validate_distributor_organization": ("is_distributor", ""),
    "refuse_company_cycle": (NO_CYCLE, "parent_company_id"),
}
"""What a trigger's function demands, and of which column where its argument does not say."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """One rule of one table.

    Attributes:
        columns: the columns it is about; for a check, those its expression names.
        expression: PostgreSQL's expression of a check, or the condition of a partial unique index or a trigger; may be
            empty.
        refers_to: schema-qualified table of a foreign key; may be empty.
        values: the values of an enumeration; may be empty.
        late: whether it is added after the rows.
        defaulted: whether PostgreSQL fills the column where a row says nothing about it.
        demands: of a trigger: which column of the company it names has to be true, or NO_CYCLE.
    """

    table: str
    name: str
    kind: Kind
    columns: tuple[str, ...]
    late: bool
    expression: str = ""
    refers_to: str = ""
    values: tuple[str, ...] = ()
    defaulted: bool = False
    demands: str = ""


def of(catalog: Catalog) -> Mapping[str, tuple[Constraint, ...]]:
    """Schema-qualified table → its constraints, from every `apply` file in the order of the plan."""
    enumerations: dict[str, tuple[str, ...]] = {}
    found: dict[str, list[Constraint]] = {}
    for phase in catalog.phases:
        for step in phase.steps:
            if step.kind != "sql":
                continue
            for match in _STATEMENT.finditer(catalog.sql_files[phase.name, step.subject].apply):
                for constraint in _read(match.group(), enumerations):
                    found.setdefault(constraint.table, []).append(constraint)
    return {table: tuple(constraints) for table, constraints in found.items()}


def said(rule: Constraint) -> str:
    """What is wrong with a row that breaks a rule, in words."""
    columns = " and ".join(rule.columns)
    match rule.kind:
        case "not_null":
            return f"{columns} is missing"
        case "enumeration":
            return f"{columns} is none of {', '.join(rule.values)}"
        case "check":
            return f"it does not hold that {rule.expression}"
        case "foreign_key":
            return f"{columns} leads to no row of {rule.refers_to.removeprefix('public.')}"
        case "unique":
            return f"another row has the same {columns}"
        case "trigger":
            if rule.demands == NO_CYCLE:
                return "the company would belong to itself, by way of its parents"
            return f"{columns} names a company that is no {rule.demands.removeprefix('is_')}"


def _read(statement: str, enumerations: dict[str, tuple[str, ...]]) -> Iterator[Constraint]:
    if statement.lower().startswith("create type"):
        name = statement.split()[2]
        enumerations[name] = tuple(re.findall(r"'([^']*)'", statement))
        return
    if statement.lower().startswith("create trigger"):
        yield from _trigger(statement)
        return
    if re.match(r"alter table \S+\s+(rename|enable) ", statement, re.IGNORECASE):
        return
    tree: Any = sqlglot.parse_one(statement, read="postgres")
    if isinstance(tree, exp.Create) and tree.kind == "TABLE":
        yield from _columns(_name(tree.this.this), tree.this.find_all(exp.ColumnDef), enumerations, late=False)
        yield from _named(_name(tree.this.this), tree.this.find_all(exp.Constraint), late=False)
    elif isinstance(tree, exp.Create) and tree.kind == "INDEX":
        yield _unique(tree)
    elif isinstance(tree, exp.Alter):
        yield from _columns(_name(tree.this), tree.find_all(exp.ColumnDef), enumerations, late=True)
        yield from _named(_name(tree.this), tree.find_all(exp.Constraint), late=True)


def _columns(
    table: str, definitions: Iterator[Any], enumerations: Mapping[str, tuple[str, ...]], *, late: bool
) -> Iterator[Constraint]:
    for definition in definitions:
        column = definition.name
        kinds = [constraint.kind for constraint in definition.constraints]
        defaulted = any(isinstance(kind, exp.DefaultColumnConstraint) for kind in kinds)
        if any(isinstance(kind, exp.NotNullColumnConstraint) for kind in kinds):
            yield Constraint(table, f"{column} not null", "not_null", (column,), late=False, defaulted=defaulted)
        values = enumerations.get(definition.kind.sql("postgres").lower(), ())
        if values:
            yield Constraint(table, f"{column} enumeration", "enumeration", (column,), late=False, values=values)


def _named(table: str, constraints: Iterator[Any], *, late: bool) -> Iterator[Constraint]:
    for constraint in constraints:
        rule = constraint.expressions[0]
        if isinstance(rule, exp.CheckColumnConstraint):
            columns = tuple(sorted({column.name for column in rule.find_all(exp.Column)}))
            expression = rule.this.sql("postgres")
            yield Constraint(table, constraint.name, "check", columns, late, expression=expression)
        elif isinstance(rule, exp.ForeignKey):
            columns = tuple(column.name for column in rule.expressions)
            target = _name(rule.args["reference"].find(exp.Table))
            yield Constraint(table, constraint.name, "foreign_key", columns, late=True, refers_to=target)


def _unique(tree: Any) -> Constraint:
    index = tree.this
    parameters = index.args["params"]
    columns = tuple(column.find(exp.Column).name for column in parameters.args["columns"])
    where = parameters.args.get("where")
    condition = where.this.sql("postgres") if where is not None else ""
    return Constraint(_name(index.args["table"]), index.name, "unique", columns, late=True, expression=condition)


def _trigger(statement: str) -> Iterator[Constraint]:
    """The rule of a trigger for new rows, where it is one that refuses; the others follow or compute."""
    match = _TRIGGER.fullmatch(statement.strip())
    if match is None or match["function"] not in _DEMANDS:
        return
    demands, column = _DEMANDS[match["function"]]
    condition = re.sub(r"\bnew\.", "", match["when"])
    columns = (match["column"] or column,)
    yield Constraint(match["table"], match["name"], "trigger", columns, True, expression=condition, demands=demands)


def _name(table: Any) -> str:
    return f"{table.db}.{table.name}"
