"""The parts of which a view of a stage is made; plain values, without any HTML."""

from __future__ import annotations

from dataclasses import dataclass

from crm_migrate.report.look import Tone


@dataclass(frozen=True, slots=True)
class Badge:
    """A state in one word, with its tone."""

    word: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Card:
    """One figure that matters: what it is, and how much."""

    label: str
    value: str
    tone: Tone = "quiet"


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        numbers: which columns, counted from 0, hold numbers and stand to the right.
        folded: shown only on demand.
        filters: columns, counted from 0, by whose values a reader can choose rows; a search box comes with them. None
            for a table that has no controls.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str | Badge, ...], ...]
    numbers: frozenset[int] = frozenset()
    folded: bool = False
    filters: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Tile:
    """A field of a heat map: its name, how warm it is as a fraction, and that in words."""

    name: str
    share: float
    said: str


@dataclass(frozen=True, slots=True)
class Heat:
    """A heat map in words and colours: a band of tiles a row, which a narrow screen breaks into lines.

    Attributes:
        title: the finding.
        subtitle: unit and source.
        rows: name, tiles, and what is said of the tiles left out.
    """

    title: str
    subtitle: str
    rows: tuple[tuple[str, tuple[Tile, ...], str], ...]


@dataclass(frozen=True, slots=True)
class Side:
    """A record, or a row made of it, as one of two sides shows it.

    Attributes:
        fields: column, value, and whether it is new there.
        rest: what is said of the fields left out.
    """

    title: str
    fields: tuple[tuple[str, str, bool], ...]
    rest: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """A stage as people read it: verdict first, then figures, then pictures, then tables.

    Attributes:
        sentence: the verdict in words.
        reasons: why, one sentence each.
        sides: what was, on the left, and what there will be, on the right.
    """

    title: str
    badge: Badge
    sentence: str
    reasons: tuple[str, ...] = ()
    cards: tuple[Card, ...] = ()
    heat: Heat | None = None
    sides: tuple[tuple[Side, ...], tuple[Side, ...]] | None = None
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of progress; `share` is what is done of it, a fraction, where that is known."""

    name: str
    said: str
    share: float | None = None
