"""What a look at the schema alone has to say: a thing by its name and line, why it matters, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Notice:
    """Something of the customer's own that the migration will meet.

    Attributes:
        severity: a blocker is a reason for NO-GO, a warning is for the customer's developers.
        object: what it is and its name, or file, line and column of an input.
        line: of a function's body, counted from 1 as PostgreSQL's own error messages do; None where there is none.
    """

    severity: Literal["blocker", "warning"]
    object: str
    line: int | None
    reason: str
    fix: str

    def __str__(self) -> str:
        where = self.object if self.line is None else f"{self.object}, line {self.line}"
        return f"{where}: {self.reason}"
