"""The rules where several things happen at once: in one statement, in two sessions, with a customer's own triggers."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest

from clients import Client, acting
from conftest import Database
from crm_migrate import postgres
from crm_migrate.settings import Settings

Migrated = tuple[Settings, Database]


@pytest.fixture
def client(migrated: Migrated) -> Iterator[Client]:
    with acting(migrated[1].admin_url) as client:
        yield client


@pytest.fixture
def owner(migrated: Migrated) -> Iterator[Client]:
    with postgres.connect(migrated[1].url, autocommit=True) as connection:
        yield Client(connection)


def waits_for(url: str, pid: int) -> None:
    """Come back when that session waits for a lock."""
    with postgres.connect(url, autocommit=True) as watcher:
        for _ in range(2_000):
            row = watcher.execute("select wait_event_type from pg_stat_activity where pid = %s", [pid]).fetchone()
            if row and row[0] == "Lock":
                return
            watcher.execute("select pg_sleep(0.005)")
    raise AssertionError("the session never waited")


def meanwhile(url: str, first: Client, statements: tuple[str, str]) -> Exception | None:
    """A statement in an open transaction, another in a second session that waits for it, then the first commits."""
    failed: list[Exception] = []
    with acting(url) as second:

        def work() -> None:
            try:
                second.do(statements[1])
            except psycopg.Error as error:
                failed.append(error)

        with first.connection.transaction():
            first.do(statements[0])
            thread = threading.Thread(target=work)
            thread.start()
            waits_for(url, second.connection.info.backend_pid)
        thread.join()
    return failed[0] if failed else None


def contact_in(client: Client, company: int) -> int:
    return int(
        client.one("insert into public.contacts (first_name, company_id) values ('Ann', %s) returning id", company)
    )


@pytest.mark.parametrize("deletes_first", [True, False])
def test_two_companies_become_one_in_one_statement(client: Client, deletes_first: bool) -> None:
    gone, stays = client.company("Gone"), client.company("Stays")
    contact, deal = contact_in(client, gone), client.deal(company=gone)
    moves = f"update public.deals set company_id = {stays} where company_id = {gone}"
    dies = f"delete from public.companies where id = {gone}"
    last, also = (moves, dies) if deletes_first else (dies, moves)
    client.do(
        f"with moved as (update public.contacts set company_id = {stays} where company_id = {gone}), "
        f"also as ({also}) {last}"
    )
    assert client.one("select company_id from public.contacts where id = %s", contact) == stays
    assert client.memberships(contact) == [(stays, True, None)]
    assert client.opportunity(deal, "company_id, customer_organization_id") == (stays, stays)
    assert client.participants(deal) == [("customer", stays, True)]


def test_a_company_set_by_one_session_is_not_undone_by_another_that_adds_a_participant(
    client: Client, migrated: Migrated
) -> None:
    one, two, seller = client.company("One"), client.company("Two"), client.distributor()
    deal = client.deal(company=one)
    failed = meanwhile(
        migrated[1].admin_url,
        client,
        (
            f"update public.deals set company_id = {two} where id = {deal}",
            "insert into public.opportunity_participants (opportunity_id, organization_id, role, is_primary) "
            f"values ({deal}, {seller}, 'distributor', true)",
        ),
    )
    assert failed is None
    names = "company_id, customer_organization_id, distributor_organization_id"
    assert client.opportunity(deal, names) == (two, two, seller)
    assert client.participants(deal) == [("customer", two, True), ("distributor", seller, True)]


def test_two_first_interactions_at_once_found_an_opportunity_once(client: Client, migrated: Migrated) -> None:
    company = client.company()
    deal = client.deal(company=company)
    add = (
        "insert into public.activities (activity_type, type, subject, organization_id, opportunity_id) "
        f"values ('interaction', 'call', 'S', {company}, {deal})"
    )
    assert meanwhile(migrated[1].admin_url, client, (add, add)) is None
    first = client.one("select min(id) from public.activities where opportunity_id = %s", deal)
    assert client.opportunity(deal, "founding_interaction_id") == first


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read"])
def test_two_sessions_cannot_each_close_one_half_of_a_cycle(client: Client, migrated: Migrated, isolation: str) -> None:
    one, two = client.company("One"), client.company("Two")
    belong = "update public.companies set parent_company_id = {} where id = {}"
    with postgres.connect(migrated[1].admin_url, autocommit=True) as admin:
        database = migrated[1].name
        admin.execute(f"alter database {database} set default_transaction_isolation = '{isolation}'".encode())
    failed = meanwhile(migrated[1].admin_url, client, (belong.format(two, one), belong.format(one, two)))
    assert isinstance(failed, psycopg.errors.CheckViolation | psycopg.errors.SerializationFailure)
    assert client.rows("select id from public.companies where id = %s and parent_company_id is not null", two) == []


def test_a_contact_that_is_brought_back_has_its_membership_again(client: Client) -> None:
    company = client.company()
    contact = contact_in(client, company)
    client.do("update public.companies set deleted_at = now() where id = %s", company)
    client.do("update public.companies set deleted_at = null where id = %s", company)
    client.do("update public.contacts set deleted_at = null where id = %s", contact)
    assert client.memberships(contact) == [(company, True, None)]


CUSTOMERS = """
create function public.of_the_customer() returns trigger language plpgsql as $$
begin
    {body}
    return new;
end
$$;
create trigger {name} {when} on public.{table} for each row execute function public.of_the_customer();
"""


def test_a_customers_trigger_that_sets_the_company_afterwards_is_followed(client: Client, owner: Client) -> None:
    one, two = client.company("One"), client.company("Two")
    for table, body in (
        ("opportunities", "update deals set company_id = {0} where id = new.id and company_id is distinct from {0};"),
        ("contacts", "update contacts set company_id = {0} where id = new.id and company_id is distinct from {0};"),
    ):
        owner.do(CUSTOMERS.format(name="after", when="after insert", table=table, body=body.format(two)))
        if table == "opportunities":
            deal = client.deal(company=one)
            assert client.opportunity(deal, "company_id, customer_organization_id") == (two, two)
            assert client.participants(deal) == [("customer", two, True)]
        else:
            assert client.memberships(contact_in(client, one)) == [(two, True, None)]
        owner.do("drop function public.of_the_customer() cascade")


def test_a_customers_trigger_that_sets_the_company_beforehand_is_followed(client: Client, owner: Client) -> None:
    one, two = client.company("One"), client.company("Two")
    owner.do(
        CUSTOMERS.format(
            name="set_company", when="before insert or update", table="opportunities", body=f"new.company_id := {two};"
        )
    )
    deal = client.deal(company=one)
    names = "company_id, customer_organization_id"
    assert client.opportunity(deal, names) == (two, two)
    client.do("update public.deals set name = 'q' where id = %s", deal)
    assert client.opportunity(deal, names) == (two, two)
    assert client.participants(deal) == [("customer", two, True)]


def test_a_customers_trigger_finds_its_tables_when_a_rule_fires_it(client: Client, owner: Client) -> None:
    one, two = client.company("One"), client.company("Two")
    other, deal = client.deal(company=one), client.deal(company=one)
    owner.do(
        CUSTOMERS.format(
            name="copies",
            when="after update",
            table="opportunities",
            body=f"if new.id = {deal} then update deals set company_id = new.company_id where id = {other}; end if;",
        )
    )
    client.do(
        "update public.opportunity_participants set organization_id = %s "
        "where opportunity_id = %s and deleted_at is null",
        two,
        deal,
    )
    assert client.participants(deal) == client.participants(other) == [("customer", two, True)]


def test_a_company_stays_a_principal_as_long_as_somebody_has_it_as_one(client: Client) -> None:
    maker, seller = client.principal(), client.distributor()
    deal = client.deal()
    client.join(deal, maker, "principal")
    client.join(deal, seller, "distributor")
    for role, company in (("principal", maker), ("distributor", seller)):
        with pytest.raises(
            psycopg.errors.CheckViolation, match=f"company {company} stays a {role}: opportunity {deal}"
        ):
            client.do(
                f"update public.companies set organization_type = 'customer', is_{role} = false where id = %s", company
            )
        client.do("update public.opportunity_participants set deleted_at = now() where organization_id = %s", company)
        client.do(
            f"update public.companies set organization_type = 'customer', is_{role} = false where id = %s", company
        )


def test_a_price_is_a_number(client: Client) -> None:
    maker = client.principal()
    with pytest.raises(psycopg.errors.CheckViolation):
        client.do("insert into public.products (principal_id, name, unit_price) values (%s, 'Bolt', 'NaN')", maker)
