"""Random work of several users through old and new names, and a model in Python of what the old system has to hold.

The model knows the rules as the documents tell them, and nothing of the SQL: what an old word stands for, what a delete
takes along, what follows what.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from psycopg import sql

from crm_migrate.postgres import Connection

ROLES = ("authenticated", "service_role")
OLD_STAGES = ("opportunity", "proposal-sent", "in-negociation", "won", "lost", "delayed")
BACK = {
    "lead": "opportunity",
    "qualified": "opportunity",
    "needs_analysis": "opportunity",
    "proposal": "proposal-sent",
    "negotiation": "in-negociation",
    "closed_won": "won",
    "closed_lost": "lost",
    "nurturing": "delayed",
}
FORTH = {
    "opportunity": "lead",
    "proposal-sent": "proposal",
    "in-negociation": "negotiation",
    "won": "closed_won",
    "lost": "closed_lost",
    "delayed": "nurturing",
}
LEGACY = {
    "companies": "select id, name from public.companies",
    "contacts": "select id, first_name, company_id from public.contacts",
    "deals": "select id, name, stage, company_id from public.deals",
    "tasks": "select id, contact_id, text from public.tasks",
}


@dataclass(slots=True)
class Model:
    """What the old system has to hold, by table and id; and the new rows that users may go on with."""

    companies: dict[int, list[Any]] = field(default_factory=dict)
    contacts: dict[int, list[Any]] = field(default_factory=dict)
    deals: dict[int, list[Any]] = field(default_factory=dict)
    tasks: dict[int, list[Any]] = field(default_factory=dict)
    principals: list[int] = field(default_factory=list)
    hidden: set[int] = field(default_factory=set)

    def drop_contact(self, contact: int) -> None:
        """A contact takes its tasks along."""
        del self.contacts[contact]
        self.tasks = {task: row for task, row in self.tasks.items() if row[0] != contact}

    def drop_company(self, company: int) -> None:
        """A company takes its contacts and its deals along."""
        del self.companies[company]
        for contact in [key for key, row in self.contacts.items() if row[1] == company]:
            self.drop_contact(contact)
        self.deals = {deal: row for deal, row in self.deals.items() if row[2] != company}
        self.hidden &= self.deals.keys()
        self.principals = [key for key in self.principals if key != company]


def legacy(connection: Connection) -> dict[str, dict[int, list[Any]]]:
    """The old system's rows as they are now."""
    return {
        name: {row[0]: list(row[1:]) for row in connection.execute(query.encode()).fetchall()}
        for name, query in LEGACY.items()
    }


def start(connection: Connection) -> Model:
    """The model of what is there before the first write."""
    return Model(**legacy(connection))


class Users:
    """They write, and the model writes what that means."""

    def __init__(self, connection: Connection, model: Model, random: Random) -> None:
        self.connection, self.model, self.random = connection, model, random

    def write(self) -> None:
        """One write of somebody."""
        action = self.random.choice(ACTIONS)
        with self.connection.transaction():
            role = sql.Identifier(self.random.choice(ROLES))
            self.connection.execute(sql.SQL("set local role {}").format(role))
            action(self)

    def do(self, statement: str, *values: Any) -> Any:
        cursor = self.connection.execute(statement.encode(), values)
        row = cursor.fetchone() if cursor.description else None
        return None if row is None else row[0]

    def any(self, of: dict[int, Any]) -> int:
        return self.random.choice(sorted(of))

    def visible(self) -> int:
        return self.random.choice(sorted(self.model.deals.keys() - self.model.hidden))

    def new_company(self) -> None:
        name = f"Company {self.random.random()}"
        key = self.do("insert into public.companies (name) values (%s) returning id", name)
        self.model.companies[key] = [name]

    def new_principal(self) -> None:
        name = f"Principal {self.random.random()}"
        key = self.do(
            "insert into public.companies (name, organization_type, is_principal) values (%s, 'principal', true) "
            "returning id",
            name,
        )
        self.model.companies[key] = [name]
        self.model.principals.append(key)

    def new_contact(self) -> None:
        company = self.random.choice([None, self.any(self.model.companies)])
        key = self.do("insert into public.contacts (first_name, company_id) values ('R', %s) returning id", company)
        self.model.contacts[key] = ["R", company]

    def old_deal(self) -> None:
        stage, company = self.random.choice(OLD_STAGES), self.any(self.model.companies)
        key = self.do(
            "insert into public.deals (name, stage, company_id) values ('old', %s, %s) returning id", stage, company
        )
        self.model.deals[key] = ["old", stage, company]

    def new_opportunity(self) -> None:
        stage, company = self.random.choice(sorted(BACK)), self.any(self.model.companies)
        key = self.do(
            "insert into public.opportunities (name, stage, customer_organization_id) values ('new', %s, %s) "
            "returning id",
            stage,
            company,
        )
        self.model.deals[key] = ["new", BACK[stage], company]

    def move_old(self) -> None:
        deal, stage = self.visible(), self.random.choice(OLD_STAGES)
        self.do("update public.deals set stage = %s where id = %s", stage, deal)
        self.model.deals[deal][1] = stage

    def move_new(self) -> None:
        deal, stage = self.visible(), self.random.choice(sorted(BACK))
        self.do("update public.opportunities set stage = %s, next_action = 'ring' where id = %s", stage, deal)
        if FORTH.get(self.model.deals[deal][1], "lead") != stage:
            self.model.deals[deal][1] = BACK[stage]

    def hide(self) -> None:
        deal = self.visible()
        self.do("update public.opportunities set deleted_at = now() where id = %s", deal)
        self.model.hidden.add(deal)

    def delete_deal(self) -> None:
        deal = self.visible()
        self.do("delete from public.deals where id = %s", deal)
        del self.model.deals[deal]

    def delete_contact(self) -> None:
        contact = self.any(self.model.contacts)
        self.do("delete from public.contacts where id = %s", contact)
        self.model.drop_contact(contact)

    def delete_company(self) -> None:
        company = self.any(self.model.companies)
        self.do("delete from public.companies where id = %s", company)
        self.model.drop_company(company)

    def department(self) -> None:
        self.do("update public.contacts set department = 'D' where id = %s", self.any(self.model.contacts))

    def move_contact(self) -> None:
        contact, company = self.any(self.model.contacts), self.any(self.model.companies)
        self.do("update public.contacts set company_id = %s where id = %s", company, contact)
        self.model.contacts[contact][1] = company

    def join(self) -> None:
        self.do(
            "insert into public.contact_organizations (contact_id, organization_id, role) values (%s, %s, 'buyer') "
            "on conflict do nothing",
            self.any(self.model.contacts),
            self.any(self.model.companies),
        )

    def become_primary(self) -> None:
        contact, company = self.any(self.model.contacts), self.any(self.model.companies)
        self.do(
            "insert into public.contact_organizations (contact_id, organization_id, is_primary_contact) "
            "values (%s, %s, true) on conflict (contact_id, organization_id) where deleted_at is null "
            "do update set is_primary_contact = true",
            contact,
            company,
        )
        self.model.contacts[contact][1] = company

    def new_task(self) -> None:
        contact = self.any(self.model.contacts)
        key = self.do(
            "insert into public.tasks (contact_id, type, text, due_date) values (%s, 'Call', 'ring', now()) "
            "returning id",
            contact,
        )
        self.model.tasks[key] = [contact, "ring"]

    def log(self) -> None:
        self.do(
            "insert into public.activities (activity_type, type, subject, opportunity_id, contact_id) "
            "values ('interaction', 'call', 'R', %s, %s)",
            self.visible(),
            self.any(self.model.contacts),
        )

    def outcome(self) -> None:
        self.do(
            "update public.activities set outcome = 'good' where id = (select id from public.activities "
            "order by id offset %s limit 1)",
            self.random.randrange(500),
        )

    def forget(self) -> None:
        self.do(
            "delete from public.activities where id = (select id from public.activities order by id offset %s limit 1)",
            self.random.randrange(500),
        )

    def product(self) -> None:
        if self.model.principals:
            principal = self.random.choice(self.model.principals)
            key = self.do(
                "insert into public.products (principal_id, name, unit_price) values (%s, 'P', 2) returning id",
                principal,
            )
            self.do(
                "insert into public.opportunity_products (opportunity_id, product_id, product_name, quantity, "
                "unit_price) values (%s, %s, 'P', 1, 2)",
                self.visible(),
                key,
            )

    def champion(self) -> None:
        if self.model.principals:
            self.do(
                "insert into public.contact_preferred_principals (contact_id, principal_organization_id) "
                "values (%s, %s) on conflict do nothing",
                self.any(self.model.contacts),
                self.random.choice(self.model.principals),
            )

    def name_principal(self) -> None:
        if self.model.principals:
            self.do(
                "update public.opportunities set principal_organization_id = %s where id = %s",
                self.random.choice(self.model.principals),
                self.visible(),
            )


ACTIONS = (
    Users.new_company,
    Users.new_principal,
    Users.new_contact,
    Users.old_deal,
    Users.new_opportunity,
    Users.move_old,
    Users.move_new,
    Users.hide,
    Users.delete_deal,
    Users.delete_contact,
    Users.delete_company,
    Users.department,
    Users.move_contact,
    Users.join,
    Users.become_primary,
    Users.new_task,
    Users.log,
    Users.outcome,
    Users.forget,
    Users.product,
    Users.champion,
    Users.name_principal,
)
