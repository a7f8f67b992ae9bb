"""What is wrong between the fields of a line, or between lines, of an input file (target-schema.md, business rules)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

from crm_migrate import policies
from crm_migrate.inputs.lines import Line
from crm_migrate.inputs.specs import STAGES, Spec, Value

Values = Mapping[str, Value]


def contradictions(spec: Spec, lines: Sequence[Line]) -> Iterator[str]:
    """One text a contradiction, with file, line, column and reason."""
    for line in lines:
        for column, reason in _LINE_RULES.get(spec.name, _none)(line.values):
            yield f"{spec.file}, line {line.number}, column {column}: {reason}"
    yield from _repeated(spec, lines)
    if spec.name == "organizations":
        for number in _on_a_circle(lines):
            yield f"{spec.file}, line {number}, column parent_company_id: the company would be its own ancestor"
    if spec.name == "probabilities":
        known = {line.values.get("stage") for line in lines}
        for stage in STAGES:
            if lines and stage not in known:
                yield f"{spec.file}, line {lines[-1].number}, column stage: there is no line for {stage}"


def with_roles(values: Values) -> Values:
    """A company's flags, where they were left blank: set if its type says so (target-schema.md, phase 1.1)."""
    kind = values.get("organization_type")
    flags = {
        flag: kind == role if values.get(flag) is None else values[flag]
        for flag, role in (("is_principal", "principal"), ("is_distributor", "distributor"))
    }
    return {**values, **flags}


def _repeated(spec: Spec, lines: Sequence[Line]) -> Iterator[str]:
    first: dict[tuple[Value, ...], int] = {}
    for line in lines:
        columns = spec.unique
        if spec.name == "products" and line.values.get("sku") is None:
            columns = ("principal_id", "name")  # a product may be without a SKU; then its name tells it apart
        if all(line.values.get(column) is not None for column in columns):
            key = (*columns, *(line.values[column] for column in columns))
            if key in first:
                yield f"{spec.file}, line {line.number}, column {', '.join(columns)}: the same as in line {first[key]}"
            first.setdefault(key, line.number)


def _none(_: Values) -> Iterator[tuple[str, str]]:
    yield from ()


def _organization(values: Values) -> Iterator[tuple[str, str]]:
    kind = values.get("organization_type")
    for flag, role in (("is_principal", "principal"), ("is_distributor", "distributor")):
        if kind == "customer" and values.get(flag) is True:
            yield flag, f"a customer is no {role}"
        if kind == role and values.get(flag) is False:
            yield flag, f"organization_type says {role}"


def _opportunity_role(values: Values) -> Iterator[tuple[str, str]]:
    if values.get("principal_id", 0) is None and values.get("distributor_id", 0) is None:
        yield "principal_id", "neither a principal nor a distributor is given"
    yield from _one_company_in_both(values)


def _relationship(values: Values) -> Iterator[tuple[str, str]]:
    start, end = values.get("start_date"), values.get("end_date")
    if isinstance(start, date) and isinstance(end, date) and end < start:
        yield "end_date", "before start_date"
    yield from _one_company_in_both(values)


def _policy(values: Values) -> Iterator[tuple[str, str]]:
    given = {column: values.get(column) for column in ("using_expression", "check_expression")}
    if not any(given.values()):
        yield "using_expression", "neither a using_expression nor a check_expression is given"
    for column, text in given.items():
        if isinstance(text, str) and (reason := policies.wrong(text)) is not None:
            yield column, reason


def _one_company_in_both(values: Values) -> Iterator[tuple[str, str]]:
    principal = values.get("principal_id")
    if principal is not None and principal == values.get("distributor_id"):
        yield "distributor_id", "the same company as the principal"


_LINE_RULES: Mapping[str, Callable[[Values], Iterator[tuple[str, str]]]] = {
    "organizations": _organization,
    "opportunity_roles": _opportunity_role,
    "relationships": _relationship,
    "policies": _policy,
}


def _on_a_circle(lines: Sequence[Line]) -> list[int]:
    """Lines whose company is met again by going from parent to parent; each company is visited once."""
    parents = {line.values.get("company_id"): line.values.get("parent_company_id") for line in lines}
    parents.pop(None, None)
    on_circle: dict[Value, bool] = {}
    for first in parents:
        path: dict[Value, int] = {}
        company: Value = first
        while company is not None and company not in on_circle and company not in path:
            path[company] = len(path)
            company = parents.get(company)
        start = path.get(company, len(path))
        on_circle |= {visited: position >= start for visited, position in path.items()}
    return [line.number for line in lines if on_circle.get(line.values.get("company_id"))]
