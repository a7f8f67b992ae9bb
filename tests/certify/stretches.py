"""Which places are tried, and which of the others they stand for.

What a dead runner leaves is what is committed, and its files. A stretch is the places between two changes of these: one
that dies anywhere in it leaves the same. It is tried at its first place, at its last, and in the middle. Where only one
session is ended, the runner lives and says so in another one; so places of each session stand for themselves.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from crm_migrate.execute import CommitMode

Death = Literal["kill", "terminate", "restart"]
RUNNER = "execute"  # the session that holds the lock: without it nothing is written any more
_MIDDLE_EVERY = 500  # a long stretch is tried in the middle more than once
_SEED = 7


@dataclass(frozen=True, slots=True)
class Place:
    """A boundary of the undisturbed night.

    Attributes:
        session: what it is for.
        stretch: how often what a dead runner would leave had changed before it.
    """

    stage: str
    side: str
    statement: str
    session: str
    stretch: int


@dataclass(frozen=True, slots=True)
class Point:
    """Where and how a night is to die.

    Attributes:
        number: which boundary of the undisturbed night, counted from 0.
    """

    commit: CommitMode
    death: Death
    number: int


@dataclass(frozen=True, slots=True)
class Class:
    """Places that leave the same behind a death, and the ones of them that are tried."""

    name: str
    places: int
    tried: tuple[int, ...]


def classes(places: Sequence[Place], death: Death) -> tuple[Class, ...]:
    """Every place is in one of them."""
    found: dict[str, list[int]] = {}
    for number, place in enumerate(places):
        alone = f" {place.session}" if death == "terminate" and place.session != RUNNER else ""
        found.setdefault(f"{place.stretch}{alone}", []).append(number)
    once = {number for number, place in enumerate(places) if death == "kill" and _is_same_moment(places, number)}
    return tuple(
        Class(name, len(numbers), _chosen([number for number in numbers if number not in once] or numbers))
        for name, numbers in found.items()
    )


def _is_same_moment(places: Sequence[Place], number: int) -> bool:
    """Whether nothing was sent since the place before: a process that is killed notices no difference."""
    return number > 0 and (places[number - 1].side, places[number].side) == ("after", "before")


def _chosen(numbers: Sequence[int]) -> tuple[int, ...]:
    inner = numbers[1:-1]
    middle = random.Random(_SEED + numbers[0]).sample(inner, min(len(inner), 1 + len(inner) // _MIDDLE_EVERY))
    return tuple(sorted({numbers[0], numbers[-1], *middle}))


def spread(numbers: Sequence[int], most: int | None) -> list[int]:
    """All of them, or `most` that are spread evenly, in their order."""
    if most is None or most >= len(numbers):
        return sorted(numbers)
    return sorted({numbers[int((rank + 0.5) * len(numbers) / most)] for rank in range(most)})


def in_order(points: Sequence[Point], places: Sequence[Place]) -> list[Point]:
    """By stretch, kills first: what the first of them leaves is where the tries of the next stretch begin."""
    return sorted(points, key=lambda point: (places[point.number].stretch, point.death != "kill", point.number))
