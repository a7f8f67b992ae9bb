"""Values in one form on both sides: days and microseconds since 1970 as numbers, JSON as what it says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal

DAY = 86_400_000_000  # microseconds
_LAST = 106_751_982 * DAY  # the first moment of 294247, from which on a snapshot holds infinity
EPOCH = date(1970, 1, 1)

Unit = Literal["day", "moment"]


@dataclass(frozen=True, slots=True)
class When:
    """A date or a moment in UTC.

    Attributes:
        unit: what `count` counts since 1970: days, or microseconds.
        count: None for infinity, of which `sign` tells the side.
    """

    unit: Unit
    count: int | None
    sign: int = 1

    def day(self) -> When:
        """The date in UTC of a moment."""
        return When("day", None if self.count is None else self.count // DAY, self.sign)

    def __str__(self) -> str:
        if self.count is None:
            return "infinity" if self.sign > 0 else "-infinity"
        days, rest = (self.count, 0) if self.unit == "day" else divmod(self.count, DAY)
        try:
            text = (EPOCH + timedelta(days=days)).isoformat()
        except OverflowError:
            text = f"day {days:,} since 1970"
        return text if self.unit == "day" else f"{text} {timedelta(microseconds=rest)} UTC"


def moment(count: int | None) -> When | None:
    """Microseconds since 1970, as the snapshot or the server tells them; beyond the last year lies infinity."""
    return None if count is None else _when("moment", count, _LAST)


def day(count: int | None) -> When | None:
    """Days since 1970."""
    return None if count is None else _when("day", count, _LAST // DAY)


def _when(unit: Unit, count: int, last: int) -> When:
    if abs(count) >= last:
        return When(unit, None, 1 if count > 0 else -1)
    return When(unit, count)


def parsed(text: str | None) -> Any:
    """What a JSON text says, numbers exactly."""
    return None if text is None else json.loads(text, parse_float=Decimal)


def shown(value: object) -> object:
    """A value as JSON can hold it."""
    match value:
        case When() | Decimal():
            return str(value)
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case list() | tuple():
            return [shown(part) for part in value]
        case dict():
            return {name: shown(part) for name, part in value.items()}
    return value
