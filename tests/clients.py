"""What a client of the CRM does, one statement after another, and what the tests look at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from crm_migrate import postgres


class Client:
    """What a client does: one statement after another, as role authenticated."""

    def __init__(self, connection: postgres.Connection) -> None:
        self.connection = connection

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(query.encode(), values).fetchall()

    def one(self, query: str, *values: Any) -> Any:
        (row,) = self.rows(query, *values)
        return row[0] if len(row) == 1 else row

    def do(self, statement: str, *values: Any) -> int:
        return self.connection.execute(statement.encode(), values).rowcount

    def company(self, name: str = "Acme", **columns: Any) -> int:
        names = ["name", *columns]
        places = ", ".join(["%s"] * len(names))
        query = f"insert into public.companies ({', '.join(names)}) values ({places}) returning id"
        return int(self.one(query, name, *columns.values()))

    def principal(self, name: str = "Maker") -> int:
        return self.company(name, organization_type="principal", is_principal=True)

    def distributor(self, name: str = "Seller") -> int:
        return self.company(name, organization_type="distributor", is_distributor=True)

    def deal(self, stage: str = "opportunity", company: int | None = None) -> int:
        query = "insert into public.deals (name, stage, company_id) values ('D', %s, %s) returning id"
        return int(self.one(query, stage, company))

    def opportunity(self, deal: int, columns: str) -> Any:
        return self.one(f"select {columns} from public.opportunities where id = %s", deal)

    def join(self, deal: int, company: int, role: str) -> None:
        self.do(
            "insert into public.opportunity_participants (opportunity_id, organization_id, role) values (%s, %s, %s)",
            deal,
            company,
            role,
        )

    def participants(self, deal: int) -> list[tuple[Any, ...]]:
        return self.rows(
            """
            select role, organization_id, is_primary from public.opportunity_participants
            where opportunity_id = %s and deleted_at is null order by role, organization_id
            """,
            deal,
        )

    def memberships(self, contact: int) -> list[tuple[Any, ...]]:
        return self.rows(
            """
            select organization_id, is_primary_contact, relationship_end_date from public.contact_organizations
            where contact_id = %s and deleted_at is null order by organization_id
            """,
            contact,
        )


@contextmanager
def acting(url: str, role: str = "authenticated") -> Iterator[Client]:
    with postgres.connect(url, autocommit=True) as connection:
        connection.execute(f"set role {role}".encode())
        yield Client(connection)
