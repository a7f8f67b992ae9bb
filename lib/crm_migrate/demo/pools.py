"""Small pools of names and phrases from Faker, out of which PostgreSQL makes millions of rows.

Whoever is called Björn Baker here was put together by lot. No name is anybody's, no address can be owned (RFC 2606).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crm_migrate.postgres import Connection

if TYPE_CHECKING:
    from faker import Faker

# The sizes stand in the arithmetic of sql/demo/10_functions.sql too, and in the joins that use it.
_COUNTRIES = ("en_US", "en_GB", "fr_FR", "de_DE", "es_ES", "it_IT", "nl_NL", "pl_PL", "sv_SE", "el_GR")
_FIRST_NAMES, _LAST_NAMES = 100, 150  # a country
_BRANDS, _NOUNS = 400, 80
_SUFFIXES = ("Inc", "Ltd", "LLC", "Group", "PLC", "GmbH", "AG", "SA")
_STREETS, _PLACES, _TITLES, _PHRASES, _SENTENCES = 400, 400, 300, 800, 1500

_TEMPLATES = (
    "Wants to {bs} before the end of the quarter.",
    "Asked how we would {bs}.",
    "Sent the offer for the {phrase}.",
    "Has budget for the {phrase} and needs three references.",
    "Talked about plans to {bs}; will call back next week.",
    "Prefers the {phrase} over what they have today.",
    "Not the right time: first they have to {bs}.",
    "Their board decides about the {phrase} in spring.",
    "Good meeting. They try to {bs} – we can help.",
    "Left a message about the {phrase}.",
    "Price of the {phrase} is “too high”, delivery date is fine.",
    "Introduced us to the team that will {bs}.",
    "Remind them of the {phrase}.",
    "Prepare the workshop on how to {bs}.",
    "Clarify who signs for the {phrase}.",
)


@dataclass(frozen=True, slots=True)
class Pool:
    """A temporary table in the making: `id` counts from 0, then come `columns`, all text."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


def make(seed: int) -> tuple[Pool, ...]:
    """The pools for a seed; the same seed, and the same version of Faker, give the same pools."""
    english = _faker("en_US", seed)
    return (
        *_people(seed),
        Pool("brands", ("name", "slug"), tuple(_distinct(english.unique.last_name, _BRANDS, set()))),
        Pool("nouns", ("name", "slug"), tuple(_distinct(lambda: _noun(english), _NOUNS, set()))),
        Pool("suffixes", ("name", "slug"), tuple((name, slug(name)) for name in _SUFFIXES)),
        Pool("streets", ("name",), tuple((english.street_name(),) for _ in range(_STREETS))),
        Pool("places", ("city", "state", "zipcode", "country", "code"), tuple(_places(seed))),
        Pool("titles", ("text",), tuple((english.job(),) for _ in range(_TITLES))),
        Pool("phrases", ("text",), tuple((english.catch_phrase(),) for _ in range(_PHRASES))),
        Pool("sentences", ("text",), tuple((_sentence(english, number),) for number in range(_SENTENCES))),
    )


def load(connection: Connection, pools: tuple[Pool, ...]) -> None:
    """Make the temporary tables; they live as long as the session."""
    for pool in pools:
        columns = ", ".join(f"{column} text" for column in pool.columns)
        connection.execute(f"create temporary table {pool.name} (id bigint primary key, {columns})")
        with connection.cursor() as cursor, cursor.copy(f"copy pg_temp.{pool.name} from stdin") as copy:
            for number, row in enumerate(pool.rows):
                copy.write_row((number, *row))
        connection.execute(f"analyze pg_temp.{pool.name}")


def slug(name: str) -> str | None:
    """The name as part of an address: `Müller-Lüdenscheidt` becomes muller-ludenscheidt; None where nothing is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or None


def _faker(locale: str, seed: int) -> Faker:
    from faker import Faker  # takes a while to import, which every other command would wait

    faker = Faker(locale)
    faker.seed_instance(f"{locale} {seed}")
    return faker


def _people(seed: int) -> tuple[Pool, Pool]:
    first: list[tuple[str | None, ...]] = []
    last: list[tuple[str | None, ...]] = []
    taken: set[str] = set()
    for country in _COUNTRIES:
        faker = _faker(country, seed)
        here: set[str] = set()
        half = _FIRST_NAMES // 2
        first += [(*name, "male") for name in _distinct(faker.unique.first_name_male, half, here)]
        first += [(*name, "female") for name in _distinct(faker.unique.first_name_female, half, here)]
        last += _distinct(faker.unique.last_name, _LAST_NAMES, taken)
    return Pool("first_names", ("name", "slug", "gender"), tuple(first)), Pool(
        "last_names", ("name", "slug"), tuple(last)
    )


def _distinct(draw: Callable[[], str], size: int, taken: set[str]) -> Iterator[tuple[str, str | None]]:
    """Draw names whose slugs (or, without one, themselves) are not in `taken` yet; adds them to it."""
    wanted = len(taken) + size
    while len(taken) < wanted:
        name = draw()
        part = slug(name)
        if (part or name) not in taken:
            taken.add(part or name)
            yield name, part


def _noun(faker: Faker) -> str:
    return str(faker.unique.catch_phrase()).split()[-1].title()


def _places(seed: int) -> Iterator[tuple[str | None, ...]]:
    countries = {"en_GB": ("United Kingdom", "GB"), "fr_FR": ("France", "FR"), "de_DE": ("Deutschland", "DE")}
    fakers = {locale: _faker(locale, seed) for locale in ("en_US", *countries)}
    for number in range(_PLACES):
        locale = ("en_US", "en_US", "en_US", "en_GB", "fr_FR", "de_DE")[number % 6]
        faker = fakers[locale]
        if locale == "en_US":
            state = faker.state_abbr(include_territories=False, include_freely_associated_states=False)
            yield faker.city(), state, faker.zipcode_in_state(state), "USA", "US"
        else:
            yield faker.city(), None, faker.postcode(), *countries[locale]


def _sentence(faker: Faker, number: int) -> str:
    return _TEMPLATES[number % len(_TEMPLATES)].format(bs=faker.bs(), phrase=faker.catch_phrase().lower())
