"""From the bytes of a CSV file to typed values, line by line; what is wrong is told and the rest goes on being read."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from crm_migrate.inputs.specs import Column, Spec, Value

_NUMERIC = re.compile(r"numeric\((?P<precision>\d+), (?P<scale>\d+)\)")
_LONGEST_FIELD = 2**27  # characters; the module's own limit would refuse a long note
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
    text = _text(spec.file, content, problems)
    if text is None:
        return
    names: list[str] | None = None
    for number, fields in _records(spec.file, text, problems):
        if names is None:
            names = [field.strip() for field in fields]
            if wrong := list(_wrong_header(spec, names)):
                problems += [f"{spec.file}, line {number}: {reason}" for reason in wrong]
                return
        elif len(fields) != len(names):
            problems.append(f"{spec.file}, line {number}: {len(fields)} fields under {len(names)} columns")
        else:
            yield _line(spec, number, dict(zip(names, fields, strict=True)), problems)
    if names is None:
        problems.append(f"{spec.file}, line 1: there is no header")


def _records(file: str, text: str, problems: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Line and fields of each record that is not blank; one that is no CSV is told, and the next one is read."""
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        number = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            more = f"; lines {number} to {reader.line_num} were not read" if reader.line_num > number else ""
            problems.append(f"{file}, line {number}: not CSV: {error}{more}")
        else:
            if any(field.strip() for field in fields):
                yield number, fields


def decimals(kind: str) -> tuple[int, int] | None:
    """Precision and scale of a numeric type, or None for any other type."""
    match = _NUMERIC.fullmatch(kind)
    return None if match is None else (int(match["precision"]), int(match["scale"]))


def _text(file: str, content: bytes, problems: list[str]) -> str | None:
    """The content as text, or None where it is in an encoding that has nothing in common with UTF-8."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or content.count(0) > len(content) // 4:
        problems.append(f"{file}, line 1: not UTF-8 but UTF-16, as it seems; nothing of it was read")
        return None
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
    if not set(names) & set(known):  # these are values, then, and not repeated
        yield f"there is no header; it names the columns {', '.join(known)}"
        return
    for name in dict.fromkeys(names):
        if name not in known:
            yield f"unknown column '{_shown(name)}'; known are {', '.join(known)}"
        elif names.count(name) > 1:
            yield f"column '{name}' stands twice"
    for name in known:
        if name not in names:
            yield f"missing column '{name}'"


def _shown(name: str) -> str:
    """A name of somebody else's, fit for a terminal."""
    return "".join(character if character.isprintable() else "�" for character in name[:40])


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
