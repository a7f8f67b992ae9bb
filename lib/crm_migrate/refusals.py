"""Which predicted rows a rule of the target would refuse, asked in DuckDB (B2).

The rows of one model stand in the view `simulated`; earlier ones of the same target stand under the target's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from crm_migrate import duck
from crm_migrate.catalog import Model
from crm_migrate.constraints import NO_CYCLE, Constraint
from crm_migrate.duck import Session, literal, quoted

_NOT_A_NUMBER = re.compile(r"\w+ <> 'NaN'")  # DuckDB's decimals are numbers, and do not compare with what is none


def prepare(session: Session) -> None:
    """Create the table of what is refused: model, key of the driving row, reason, its kind, whether it comes late."""
    session.execute(
        "create table simulated_rejects (model varchar, key bigint, reason varchar, late boolean, kind varchar)"
    )


def note(session: Session, model: Model, rules: Iterable[Constraint]) -> None:
    """Note the driving keys of rows of the view `simulated` that break a rule of the model's target."""
    made = [row[0] for row in session.execute("describe simulated").fetchall()]
    for rule in rules:
        broken = _offenders(session, model, rule, made)
        if broken:
            session.execute(
                "insert into simulated_rejects "
                f"select {literal(model.name)}, key, {literal(rule.name)}, {rule.late}, {literal(rule.kind)} "
                f"from ({broken}) as offenders"
            )


def _offenders(session: Session, model: Model, rule: Constraint, made: list[str]) -> str:
    """A DuckDB query for the keys of rows that break `rule`, or nothing where it says nothing of these columns."""
    key = quoted(model.key[0])
    told = [column for column in rule.columns if column in made]
    if rule.kind == "not_null":
        if told:
            return f"select {key} as key from simulated where {quoted(told[0])} is null"
        missing = model.mode == "insert" and not rule.defaulted
        return f"select {key} as key from simulated" if missing else ""
    if not told:
        return ""
    if rule.kind == "enumeration":
        values = ", ".join(literal(value) for value in rule.values)
        return f"select {key} as key from simulated where {quoted(told[0])} not in ({values})"
    if rule.kind == "check":
        session.execute(
            f"create or replace view simulated_checked as {_completed(rule.columns, made, f'{key} as driving_key')}"
        )
        expression = _NOT_A_NUMBER.sub("true", rule.expression)
        query = f"select driving_key as key from simulated_checked where not ({expression})"
        return duck.translate(session, query, origin=rule.name)
    if rule.kind == "foreign_key":
        source = rule.refers_to.replace("public.opportunities", "public.deals")
        return (
            f"select {key} as key from simulated where {quoted(told[0])} is not null and not exists "
            f"(select 1 from {quoted(source)} as referred where referred.id = simulated.{quoted(told[0])})"
        )
    if rule.kind == "trigger":
        return _cycles(key, told[0]) if rule.demands == NO_CYCLE else _unfit(session, rule, made, key)
    if len(told) < len(rule.columns):
        return ""  # a column that is not told is null, and nulls are distinct
    return _repeated(session, model, rule, made)


def _repeated(session: Session, model: Model, rule: Constraint, made: list[str]) -> str:
    """A DuckDB query for the keys of living rows whose unique columns an earlier row has already."""
    columns = ", ".join(quoted(column) for column in rule.columns)
    needed = tuple(dict.fromkeys([*rule.columns, *duck.columns_of(rule.expression)]))
    present = " and ".join(f"{quoted(column)} is not null" for column in rule.columns)
    rows = _completed((*needed, model.key[0]), made, f"1 as turn, {quoted(model.key[0])} as key")
    if _stands(session, model.target):
        before = [row[0] for row in session.execute(f"describe {quoted(model.target)}").fetchall()]
        rows += " union all by name " + _completed(needed, before, "0 as turn, null as key", quoted(model.target))
    session.execute(f"create or replace view simulated_unique as {rows}")
    living = duck.translate(
        session,
        f"select {columns}, turn, key from simulated_unique where {present} and ({rule.expression or 'true'})",
        origin=rule.name,
    )
    return (
        f"select key from (select turn, key, row_number() over (partition by {columns} order by turn, key) as nth "
        f"from ({living}) as living) as numbered where nth > 1 and turn = 1"
    )


def _unfit(session: Session, rule: Constraint, made: list[str], key: str) -> str:
    """A DuckDB query for the keys of rows that name a company without the part in the business that they give it."""
    needed = (*rule.columns, *duck.columns_of(rule.expression))
    session.execute(f"create or replace view simulated_named as {_completed(needed, made, f'{key} as driving_key')}")
    column = quoted(rule.columns[0])
    query = (
        f"select driving_key as key from simulated_named where {column} is not null and ({rule.expression}) "
        f"and not exists (select 1 from public.companies where companies.id = {column} and companies.{rule.demands})"
    )
    return duck.translate(session, query, origin=rule.name)


def _cycles(key: str, parent: str) -> str:
    """A DuckDB query for the keys of rows that are their own ancestors."""
    parents = f"select {key} as key, {quoted(parent)} as parent from simulated where {quoted(parent)} is not null"
    return (
        f"with recursive parents as ({parents}), ancestors as (from parents union select ancestors.key, parents.parent "
        "from ancestors inner join parents on parents.key = ancestors.parent) "
        "select key from ancestors where key = parent"
    )


def _completed(columns: tuple[str, ...], made: list[str], extra: str, relation: str = "simulated") -> str:
    """The needed columns of a relation, null for each that it does not make, and `extra` beside them."""
    told = [
        quoted(column) if column in made else f"cast(null as varchar) as {quoted(column)}"
        for column in dict.fromkeys(columns)
    ]
    return f"select {', '.join([*told, extra])} from {relation}"


def _stands(session: Session, relation: str) -> bool:
    schema, name = relation.split(".")
    found = session.execute(
        "select 1 from duckdb_views() where schema_name = ? and view_name = ?", [schema, name]
    ).fetchone()
    return found is not None
