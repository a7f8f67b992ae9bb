"""The statements that mend what a check finds, `sql/checks/<table>/<problem>.mend.sql`, read as strictly as the checks.

A mend is one UPDATE of the check's own table, safe enough that nobody has to look at each row: it loses nothing that
anybody meant. Its WHERE, if it has one, says which of the failing rows it is safe for; the others are left to people.
Which rows are failing is the check's business: a mend never says it again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from crm_migrate.catalog import Catalog, Check, read_header
from crm_migrate.errors import CatalogError

_STATEMENT = re.compile(r"update (?P<table>\S+)\s+set\b(?P<set>.*?)(?:\nwhere (?P<safe>.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Mend:
    """How the rows of a check are mended.

    Attributes:
        relation: the table as the statement names it.
        sets: the columns that change.
        why: what the mend does, and why that is safe.
        change: the statement without its condition.
        safe: the condition under which it is, in PostgreSQL's dialect; empty where it always is.
    """

    check: Check
    relation: str
    sets: tuple[str, ...]
    why: str
    change: str
    safe: str
    path: Path


def load(catalog: Catalog) -> tuple[Mend, ...]:
    """The mends of a catalogue, in order of their checks.

    Raises:
        CatalogError: a file breaks its contract, or mends what no check finds.
    """
    checks = {check.name: check for check in catalog.checks}
    return tuple(_mend(path, checks) for path in sorted((catalog.root / "checks").glob("*/*.mend.sql")))


def _mend(path: Path, checks: dict[str, Check]) -> Mend:
    header, body = read_header(path, required=frozenset({"mend", "sets", "why"}))
    expected = f"{path.parent.name}.{path.name.removesuffix('.mend.sql')}"
    if header["mend"] != expected:
        raise CatalogError(path, 1, f"the mend is of '{header['mend']}', its path says '{expected}'")
    if expected not in checks:
        raise CatalogError(path, 1, f"there is no check '{expected}' to mend")
    found = _STATEMENT.fullmatch(body)
    check = checks[expected]
    if found is None or found["table"].replace('"', "") != check.table:
        raise CatalogError(path, 1, f"a mend of {expected} is one statement that begins with 'update {check.table}'")
    sets = tuple(name.strip() for name in header["sets"].split(","))
    if absent := [name for name in sets if not re.search(rf"{re.escape(name)} =", found["set"])]:
        raise CatalogError(path, 2, f"the statement does not set {', '.join(absent)}")
    change = body[: found.start("safe") - len("\nwhere ")] if found["safe"] else body
    return Mend(check, found["table"], sets, header["why"], change, found["safe"] or "", path)
