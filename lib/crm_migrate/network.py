"""Who works with whom: the principals, distributors and customers that meet on opportunities, the busiest by name (B2).

However many there are, a reader sees a few of each role; the others stand together as one, so nothing is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from crm_migrate import personal
from crm_migrate.duck import Session

ROLES = ("principal", "distributor", "customer")
NAMED = 10  # organisations of a role that stand by themselves
_PLACED = f"""
with meetings as (
    select opportunity_id from public.opportunity_participants group by 1 having count(distinct role) > 1
),
participants as (
    select opportunity_id, role, organization_id from public.opportunity_participants semi join meetings
    using (opportunity_id)
),
ranked as (
    select role, organization_id, count(*) as opportunities,
        row_number() over (partition by role order by count(*) desc, organization_id) as place
    from participants group by role, organization_id
),
placed as (
    select role, organization_id, opportunities, least(place, {NAMED + 1}) as node from ranked
),
parts as (
    select opportunity_id, {", ".join(f"max(node) filter (role = '{role}') as {role}" for role in ROLES)}
    from participants inner join placed using (role, organization_id) group by 1
)
"""


@dataclass(frozen=True, slots=True)
class Node:
    """An organisation in one of its roles, or all others of that role together.

    Attributes:
        name: None for the others.
        organizations: how many stand here.
        opportunities: that they take part in.
    """

    role: str
    name: str | None
    organizations: int
    opportunities: int


@dataclass(frozen=True, slots=True)
class Network:
    """Organisations that meet on opportunities.

    Attributes:
        links: (position of a node, position of another, opportunities on which they meet), from principal over
            distributor to customer.
        opportunities: on which organisations meet.
        alone: opportunities with one participant only, which are no part of it.
    """

    nodes: tuple[Node, ...] = ()
    links: tuple[tuple[int, int, int], ...] = ()
    opportunities: int = 0
    alone: int = 0


def network(session: Session) -> Network:
    """Read it from the predicted tables, under the targets' names, in a session in which every model has run."""
    rows = session.execute(
        _PLACED + "select role, node, max(name), count(*), sum(opportunities)::bigint from placed "
        "left join public.companies on companies.id = placed.organization_id "
        "group by role, node order by list_position(?, role), node",
        [list(ROLES)],
    ).fetchall()
    place = {(role, node): number for number, (role, node, *_) in enumerate(rows)}
    pairs = (("principal", "distributor", ""), ("distributor", "customer", ""))
    direct = ("principal", "customer", "and distributor is null")
    query = " union all ".join(
        f"select '{first}', {first}, '{second}', {second}, count(*) from parts "
        f"where {first} is not null and {second} is not null {more} group by all"
        for first, second, more in (*pairs, direct)
    )
    links = session.execute(f"{_PLACED} {query} order by all").fetchall()
    return Network(
        nodes=tuple(
            Node(role, _name(name) if node <= NAMED else None, organizations, opportunities)
            for role, node, name, organizations, opportunities in rows
        ),
        links=tuple((place[first, one], place[second, other], number) for first, one, second, other, number in links),
        opportunities=_count(session, "> 1"),
        alone=_count(session, "= 1"),
    )


def _name(name: str | None) -> str:
    return personal.without_contacts(name or "").strip() or "without a name"


def _count(session: Session, condition: str) -> int:
    row = session.execute(
        "select count(*) from (select opportunity_id from public.opportunity_participants group by 1 "
        f"having count(distinct role) {condition})"
    ).fetchone()
    assert row is not None
    return int(row[0])
