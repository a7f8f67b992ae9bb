"""The sample of the analyst's files that comes with a demo, so that principals, distributors and products appear in it.

Only companies that buy nothing become principals or distributors, and every id is one of the database just made: the
files hold no blocker, whatever dirt was planted. They stay modest however large the demo is.
"""

from __future__ import annotations

import csv
import random
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from crm_migrate.demo.rows import TODAY
from crm_migrate.postgres import Connection

_PRINCIPALS, _DISTRIBUTORS, _OTHERS, _SUBSIDIARIES = 60, 40, 10, 40  # at most
_ROLES, _ADVOCATES = 5_000, 2_000  # at most, about
_SEGMENTS = ("Standard", "Key account", "Mid-market", "Small business")
_TYPES = ("professional", "personal", "historical", "competitive")
_NOTES = (
    "",
    "Asks for it by name.",
    'Calls it "the quiet one", and says so to colleagues.',
    "Knew the founder; visited the works twice.",
    "Préfère être appelé le matin.",
)
_GOODS = (
    ("Pumps", "Circulation pump"),
    ("Pumps", "Metering pump, stainless"),
    ("Valves", "Ball valve"),
    ("Valves", 'Check valve 1/2"'),
    ("Sensors", "Pressure sensor"),
    ("Sensors", "Temperature probe"),
    ("Drives", "Servo drive"),
    ("Drives", "Gear motor"),
    ("Controls", "Control panel"),
    ("Service", "Maintenance, one year"),
)

Row = tuple[object, ...]
_HEADERS = {
    "organizations": "company_id,organization_type,is_principal,is_distributor,parent_company_id,segment,priority",
    "opportunity_roles": "opportunity_id,principal_id,distributor_id",
    "products": "principal_id,name,description,sku,category,unit_price,unit_cost,is_active,min_order_quantity",
    "relationships": "principal_id,distributor_id,relationship_status,start_date,end_date,commission_rate,notes",
    "advocacy": "contact_id,principal_organization_id,advocacy_strength,advocacy_notes,relationship_type",
}


@dataclass(frozen=True, slots=True)
class _Cast:
    """Ids by the part they play; a company stands in one of the first three only."""

    principals: tuple[int, ...]
    distributors: tuple[int, ...]
    others: tuple[int, ...]
    customers: tuple[int, ...]
    deals: tuple[int, ...]
    contacts: tuple[int, ...]


def write(connection: Connection, folder: Path, *, seed: int) -> None:
    """Write the files for the demo in this database; what stands in `folder` goes.

    The same rows and the same seed give the same bytes. A demo too small for companies that buy nothing gives files
    with a header only.
    """
    chance = random.Random(seed)
    cast = _cast(connection)
    relationships = list(_relationships(cast, chance))
    active = {(row[0], row[1]) for row in relationships if row[2] == "active"}
    tables: dict[str, Iterable[Row]] = {
        "organizations": _organizations(cast, chance),
        "opportunity_roles": _opportunity_roles(cast, active, chance),
        "products": _products(cast, chance),
        "relationships": relationships,
        "advocacy": _advocacy(cast, chance),
    }
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            file.write(f"{_HEADERS[name]}\n")
            csv.writer(file, lineterminator="\n").writerows(rows)


def _cast(connection: Connection) -> _Cast:
    free = _ids(
        connection,
        """
        select companies.id
        from public.companies
        where not exists (select from public.deals where deals.company_id = companies.id)
        order by companies.id desc
        limit 150
        """,
    )
    principals = free[: min(_PRINCIPALS, (len(free) + 1) // 2)]
    distributors = free[len(principals) :][: min(_DISTRIBUTORS, (len(free) + 2) // 3)]
    others = free[len(principals) + len(distributors) :][:_OTHERS]
    customers = _ids(
        connection, "select distinct company_id from public.deals where company_id is not null order by 1 limit 400"
    )
    deals = _spread(connection, "deals", at_most=_ROLES, share=3)
    return _Cast(
        principals, distributors, others, customers, deals, _spread(connection, "contacts", at_most=_ADVOCATES, share=8)
    )


def _ids(connection: Connection, query: str) -> tuple[int, ...]:
    return tuple(number for (number,) in connection.execute(query.encode()))


def _spread(connection: Connection, table: str, *, at_most: int, share: int) -> tuple[int, ...]:
    """Every so-maniest row that has a company, one in `share` where that does not make too many."""
    (count,) = _ids(connection, f"select count(*) from public.{table}")
    step = max(share, count // at_most)
    return _ids(
        connection,
        f"select id from public.{table} where company_id is not null and mod(id, {step}) = 0 order by id",
    )


def _organizations(cast: _Cast, chance: random.Random) -> Iterable[Row]:
    for number, company in enumerate(cast.principals):
        also_distributes = "true" if number % 10 == 9 else ""
        parent = cast.principals[0] if number == 5 else ""
        yield company, "principal", "true", also_distributes, parent, "Key account", chance.choice("AB")
    for company in cast.distributors:
        yield company, "distributor", "", "true", "", chance.choice(_SEGMENTS), chance.choice("ABC")
    for company in cast.others:
        yield company, chance.choice(("vendor", "partner")), "", "", "", "", ""
    # The type of a subsidiary is left to the rule. Its parent stands before it, so that there is no circle.
    for parent, company in list(zip(cast.customers[::10], cast.customers[3::10], strict=False))[:_SUBSIDIARIES]:
        yield company, "", "", "", parent, chance.choice(_SEGMENTS), chance.choice("ABCD")


def _relationships(cast: _Cast, chance: random.Random) -> Iterable[Row]:
    for principal in cast.principals:
        partners = chance.sample(cast.distributors, min(len(cast.distributors), chance.randint(1, 4)))
        for distributor in partners:
            status = chance.choices(("active", "pending", "terminated"), (8, 1, 1))[0]
            begun = TODAY.date() - timedelta(days=chance.randint(400, 2_000))
            ended = begun + timedelta(days=chance.randint(90, 380)) if status == "terminated" else ""
            rate = f"0.{chance.randint(200, 1_800):04d}"
            yield principal, distributor, status, begun, ended, rate, "Exclusive, by region" if ended == "" else ""


def _opportunity_roles(cast: _Cast, active: set[tuple[object, object]], chance: random.Random) -> Iterable[Row]:
    if not cast.principals:
        return
    sellers = {
        principal: [distributor for distributor in cast.distributors if (principal, distributor) in active]
        for principal in cast.principals
    }
    for deal in cast.deals:
        principal = chance.choice(cast.principals)
        draw = chance.random()
        choice: Sequence[int] = sellers[principal] if draw < 0.6 else cast.distributors if draw < 0.65 else ()
        yield deal, principal, chance.choice(choice) if choice else ""


def _products(cast: _Cast, chance: random.Random) -> Iterable[Row]:
    for principal in cast.principals:
        for number, (category, name) in enumerate(chance.sample(_GOODS, chance.randint(3, 8)), start=1):
            cents = chance.randint(900, 900_000)
            sku = "" if category == "Service" else f"P{principal}-{number:03d}"
            active = "false" if chance.random() < 0.08 else "true"
            minimum = chance.choice((1, 1, 1, 10, 50))
            cost = cents * chance.randint(45, 75) // 100
            text = f"{name} of the {category.lower()} range."
            yield principal, name, text, sku, category, _money(cents), _money(cost), active, minimum


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _advocacy(cast: _Cast, chance: random.Random) -> Iterable[Row]:
    if not cast.principals:
        return
    for contact in cast.contacts:
        for principal in chance.sample(cast.principals, min(len(cast.principals), chance.choice((1, 1, 1, 2)))):
            strength = chance.choice(("", *range(1, 11)))
            yield contact, principal, strength, chance.choice(_NOTES), chance.choice(_TYPES)
