"""Which points there are, in which order they are tried, and what is known of those that are done."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from certify.tries import STARTS, Death, Outcome, Point, Undisturbed
from crm_migrate.certificate import Tried
from crm_migrate.execute import CommitMode

_GOLDEN = 0.618033988749895


def spread(commit: CommitMode, death: Death, undisturbed: Undisturbed) -> list[Point]:
    """Every point, in an order of which each beginning is spread evenly over the night."""
    points = [
        Point(commit, death, start, number) for start in STARTS for number in range(len(undisturbed.places[start]))
    ]
    order = sorted(range(len(points)), key=lambda rank: (rank + 1) * _GOLDEN % 1.0)
    ranks = {position: rank for rank, position in enumerate(order)}  # the n-th step of the golden ratio falls there
    return [points[ranks[position]] for position in range(len(points))]


def note(file: Path, outcome: Outcome, *, of: int) -> None:
    """Append what came of a try; a line is written as a whole, so that several processes may do this."""
    line = json.dumps(asdict(outcome) | {"of": of}, ensure_ascii=False) + "\n"
    with file.open("ab", buffering=0) as lines:
        lines.write(line.encode())


def noted(file: Path) -> Iterator[tuple[Outcome, int]]:
    """What earlier tries came to, and how many points there are of their mode and death."""
    if not file.exists():
        return
    for line in file.read_text(encoding="utf-8").splitlines():
        saved: dict[str, Any] = json.loads(line)
        of = saved.pop("of")
        yield Outcome(**{**saved, "point": Point(**saved["point"])}), of


def summed(outcomes: Iterable[tuple[Outcome, int]]) -> tuple[Tried, ...]:
    """One line for each mode and death; of a point that was tried again the last try counts."""
    last = {outcome.point: (outcome, of) for outcome, of in outcomes}
    groups: dict[tuple[str, str], list[tuple[Outcome, int]]] = {}
    for outcome, of in last.values():
        groups.setdefault((outcome.point.commit, outcome.point.death), []).append((outcome, of))
    return tuple(
        Tried(
            commit,
            death,
            points=max(of for _outcome, of in found),
            tried=len(found),
            identical=sum(not outcome.problem for outcome, _of in found),
            redone=max(outcome.redone for outcome, _of in found),
        )
        for (commit, death), found in groups.items()
    )
