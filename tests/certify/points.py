"""What is known of the points: the places of each mode, what came of tries so far, and what that amounts to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from certify.stretches import Place, Point, classes
from certify.tries import Outcome
from crm_migrate.certificate import Tried
from crm_migrate.execute import CommitMode

Places = Mapping[CommitMode, Sequence[Place]]


def agreed(done: Path, commit: CommitMode, places: Sequence[Place]) -> tuple[Place, ...]:
    """The places of a mode as the first process found them, so that all of them speak of the same classes.

    Raises:
        SystemExit: an undisturbed night had other places than another one.
    """
    path, mine = _file(done, commit), done.with_name(f".{done.name}.{commit}.{os.getpid()}")
    mine.write_text(json.dumps([asdict(place) for place in places], ensure_ascii=False), encoding="utf-8")
    try:
        os.link(mine, path)  # there as a whole, or not at all; the first one wins
    except FileExistsError:
        pass
    finally:
        mine.unlink()
    found = surveyed(done)[commit]
    for number, (one, other) in enumerate(zip(found, places, strict=False)):
        if (one.side, one.statement) != (other.side, other.statement):
            raise SystemExit(f"two undisturbed nights differ at place {number}: {one} and {other}")
    if len(found) != len(places):
        raise SystemExit(f"two undisturbed nights have {len(found):,} and {len(places):,} places")
    return found


def surveyed(done: Path) -> dict[CommitMode, tuple[Place, ...]]:
    """The places of every mode that is known."""
    modes: tuple[CommitMode, ...] = ("batch", "phase", "all")
    return {
        commit: tuple(Place(**place) for place in json.loads(_file(done, commit).read_text(encoding="utf-8")))
        for commit in modes
        if _file(done, commit).exists()
    }


def _file(done: Path, commit: CommitMode) -> Path:
    return done.with_suffix(f".{commit}.json")


def note(file: Path, outcome: Outcome) -> None:
    """Append what came of a try; a line is written as a whole, so that several processes may do this."""
    line = json.dumps(asdict(outcome), ensure_ascii=False) + "\n"
    with file.open("ab", buffering=0) as lines:
        lines.write(line.encode())


def noted(file: Path) -> Iterator[Outcome]:
    """What the tries so far came to; of a point that was tried again the last one counts."""
    if not file.exists():
        return
    last: dict[Point, Outcome] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        saved: dict[str, Any] = json.loads(line)
        outcome = Outcome(**{**saved, "point": Point(**saved["point"])})
        last[outcome.point] = outcome
    yield from last.values()


def summed(outcomes: Iterable[Outcome], places: Places) -> tuple[tuple[Tried, ...], tuple[str, ...]]:
    """One line for each mode and death, and what speaks against the classes.

    Tries of one class have to leave the same behind; else it is no class, and its places are not covered. A try
    that was made only to begin from what it left is not counted.
    """
    groups: dict[tuple[CommitMode, Any], dict[int, Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.point.commit, outcome.point.death), {})[outcome.point.number] = outcome
    lines, doubts = [], []
    for (commit, death), found in groups.items():
        known, covered = classes(places[commit], death), 0
        for one in known:
            made = [found[number] for number in one.tried if number in found and not found[number].problem]
            differing = sorted({part for outcome in made for part in _differing(outcome.left, made[0].left)})
            if differing:
                doubts.append(f"{commit} {death} class {one.name}: {made[0].place}: {', '.join(differing)} differ")
            elif len(made) == len(one.tried):
                covered += one.places
        counted = [found[number] for one in known for number in one.tried if number in found]
        lines.append(
            Tried(
                commit,
                death,
                points=len(places[commit]),
                classes=len(known),
                wanted=sum(len(one.tried) for one in known),
                tried=len(counted),
                resumed=sum(outcome.resumed for outcome in counted),
                identical=sum(not outcome.problem for outcome in counted),
                covered=covered,
                redone=max((outcome.redone for outcome in counted), default=0),
            )
        )
    return tuple(lines), tuple(doubts)


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> set[str]:
    return {part for part in {*one, *other} if one.get(part) != other.get(part)}
