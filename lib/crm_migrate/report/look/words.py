"""Numbers as people say them, in pages, notebooks and charts alike."""

from __future__ import annotations

import math
import re


def plural(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: `1 row`, `1,200 rows`, `no rows`."""
    word = one if number == 1 else (many or one + "s")
    return f"{number:,} {word}" if number else f"no {word}"


def duration(seconds: float | None) -> str:
    """Seconds as people say them: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def size(octets: float | None) -> str:
    """Bytes in decimal units: `512 B`, `1.4 MB`, `12 GB`."""
    if octets is None:
        return "–"
    value = float(octets)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def percent(share: float) -> str:
    """A fraction as a percentage, never rounded up to a line it does not reach: `0.42 %`, `3.1 %`, `99.9 %`."""
    value = share * 100
    if 0 < value < 0.01:
        return "< 0.01 %"
    digits = 10 if value >= 1 else 100
    return f"{math.floor(value * digits + 1e-9) / digits:g} %"


def measured(name: str, value: object) -> str:
    """The value of a criterion in its unit, which its name tells: a share, bytes, or a plain number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return str(value)
    if "share" in name:
        return percent(value)
    return size(value) if "bytes" in name else f"{value:,.4g}" if isinstance(value, float) else f"{value:,}"


def phase_name(name: str) -> str:
    """`1_2_contact_organizations` as people read it: `1.2 Contact organizations`."""
    match = re.fullmatch(r"(\d+)_(\d+)_(.+)", name)
    if match is None:
        return name
    words = match[3].replace("_", " ")
    return f"{match[1]}.{match[2]} {words[:1].upper()}{words[1:]}"
