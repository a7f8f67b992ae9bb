"""From the bytes of a CSV file to typed values, line by line; what is wrong is told and the rest goes on being read."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from crm_migrate.inputs.specs import Column, Spec, Value

_NUMERIC = re.compile(r"numeric\((?P<precision>\d+), (?P<scale>\d+)\)")
_BITS = {"smallint": 15, "integer": 31, "bigint": 63}


@dataclass(frozen=True, slots=True)
class Line:
    """One record of a file.

    Attributes:
        number: of the file's line on which it begins, from 1.
        values: by column; a field that could not be read is not among them.
    """

    number: int
    values: Mapping[str, Value]


def read(spec: Spec, content: bytes, problems: list[str]) -> Iterator[Line]:
    """The records of a file, blank lines left out.

    Args:
        problems: gets one text a wrong line and column: file, line, column and reason. No value is repeated in it: in a
            shifted line it may be a person's name.
    """
    names: list[str] | None = None
    number = 1
    reader = csv.reader(io.StringIO(_text(spec.file, content, problems), newline=""), strict=True)
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                if names is None:
                    names = [field.strip() for field in fields]
                    if wrong := list(_wrong_header(spec, names)):
                        problems += [f"{spec.file}, line {number}: {reason}" for reason in wrong]
                        return
                elif len(fields) != len(names):
                    problems.append(f"{spec.file}, line {number}: {len(fields)} fields under {len(names)} columns")
                else:
                    yield _line(spec, number, dict(zip(names, fields, strict=True)), problems)
            number = reader.line_num + 1
    except csv.Error as error:
        problems.append(f"{spec.file}, line {number}: not CSV: {error}; nothing below it was read")
    if names is None:
        problems.append(f"{spec.file}, line 1: there is no header")


def decimals(kind: str) -> tuple[int, int] | None:
    """Precision and scale of a numeric type, or None for any other type."""
    match = _NUMERIC.fullmatch(kind)
    return None if match is None else (int(match["precision"]), int(match["scale"]))


def _text(file: str, content: bytes, problems: list[str]) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        for number, line in enumerate(content.split(b"\n"), start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                problems.append(f"{file}, line {number}: byte {error.start + 1} of the line is not UTF-8")
        return content.decode("utf-8-sig", errors="replace")


def _wrong_header(spec: Spec, names: Sequence[str]) -> Iterator[str]:
    known = [column.name for column in spec.columns]
    for name in dict.fromkeys(names):
        if name not in known:
            yield f"unknown column '{name}'; known are {', '.join(known)}"
        elif names.count(name) > 1:
            yield f"column '{name}' stands twice"
    for name in known:
        if name not in names:
            yield f"missing column '{name}'"


def _line(spec: Spec, number: int, fields: Mapping[str, str], problems: list[str]) -> Line:
    values: dict[str, Value] = {}
    for column in spec.columns:
        try:
            values[column.name] = _value(column, fields[column.name])
        except ValueError as error:
            problems.append(f"{spec.file}, line {number}, column {column.name}: {error}")
    return Line(number, values)


def _value(column: Column, field: str) -> Value:
    """One field as its type; a ValueError says what it should have been."""
    text = field.strip()
    if "\0" in field:
        raise ValueError("holds a NUL character")
    if not text:
        if column.required:
            raise ValueError("is missing")
        return column.default
    if column.values:
        if text not in column.values:
            raise ValueError(f"not one of {', '.join(column.values)}")
        return text
    if column.type == "text":
        return field
    if column.type == "boolean":
        if text.lower() not in ("true", "false"):
            raise ValueError("not true or false")
        return text.lower() == "true"
    return _date(text) if column.type == "date" else _number(column, text)


def _date(text: str) -> date:
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise ValueError("not a date as YYYY-MM-DD")


def _number(column: Column, text: str) -> int | Decimal:
    size = decimals(column.type)
    number = _whole(text, bits=_BITS[column.type]) if size is None else _decimal(text, *size)
    if column.low is not None and number < column.low:
        raise ValueError(f"less than {column.low}")
    if column.high is not None and number > column.high:
        raise ValueError(f"more than {column.high}")
    return number


def _whole(text: str, *, bits: int) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,20}", text):
        raise ValueError("not a whole number")
    if not -(2**bits) <= int(text) < 2**bits:
        raise ValueError(f"not within {bits + 1} bits")
    return int(text)


def _decimal(text: str, precision: int, scale: int) -> Decimal:
    match = re.fullmatch(r"[+-]?0*(?P<whole>[0-9]*)(\.(?P<part>[0-9]*?)0*)?", text)
    if match is None or not re.search("[0-9]", text):
        raise ValueError("not a number with a decimal point")
    if len(match["whole"]) > precision - scale or len(match["part"] or "") > scale:
        raise ValueError(f"more than {precision - scale} digits before or {scale} behind the point")
    return Decimal(text)
