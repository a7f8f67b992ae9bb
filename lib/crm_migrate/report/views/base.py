"""What the views of several stages share."""

from __future__ import annotations

from crm_migrate.report.parts import Badge
from crm_migrate.report.saved import moment


def clock(value: object) -> str:
    """A saved timestamp to the minute, in UTC."""
    at = moment(value)
    return "–" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def yes(ok: object) -> Badge:
    """Whether something holds, in one word."""
    return Badge("yes", "good") if ok else Badge("no", "bad")
