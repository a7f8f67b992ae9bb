"""One answer of the verification."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """One question, and its answer in words."""

    check: str
    ok: bool
    detail: str
