"""The rules that keep old and new in step, as an old client and a new one meet them: role authenticated."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from clients import Client, acting
from conftest import Database
from crm_migrate import postgres
from crm_migrate.settings import Settings

Migrated = tuple[Settings, Database]
TODAY = datetime.now(UTC).date()


@pytest.fixture
def client(migrated: Migrated) -> Iterator[Client]:
    with acting(migrated[1].admin_url) as client:
        yield client


STAGES = [
    ("opportunity", "lead", "active", 10),
    ("proposal-sent", "proposal", "active", 60),
    ("in-negociation", "negotiation", "active", 80),
    ("won", "closed_won", "active", 100),
    ("lost", "closed_lost", "active", 0),
    ("delayed", "nurturing", "on_hold", 15),
    ("whatever they say", "lead", "active", 10),
]


@pytest.mark.parametrize(("text", "stage", "status", "probability"), STAGES)
def test_a_deal_of_an_old_client_gets_stage_status_and_probability(
    client: Client, text: str, stage: str, status: str, probability: int
) -> None:
    inserted = client.deal(text)
    moved = client.deal("opportunity")
    client.do("update public.deals set stage = %s where id = %s", text, moved)
    for deal in (inserted, moved):
        assert client.opportunity(deal, "legacy_stage, stage::text, status::text, probability") == (
            text,
            stage,
            status,
            probability,
        )


@pytest.mark.parametrize(
    ("stage", "text", "probability"),
    [
        ("lead", "opportunity", 10),
        ("qualified", "opportunity", 25),
        ("needs_analysis", "opportunity", 40),
        ("proposal", "proposal-sent", 60),
        ("negotiation", "in-negociation", 80),
        ("closed_won", "won", 100),
        ("closed_lost", "lost", 0),
        ("nurturing", "delayed", 15),
    ],
)
def test_an_opportunity_of_a_new_client_answers_to_old_ones(
    client: Client, stage: str, text: str, probability: int
) -> None:
    inserted = client.one(
        "insert into public.opportunities (name, stage) values ('O', %s) returning id",
        stage,
    )
    moved = client.deal("won" if stage == "lead" else "opportunity")
    client.do("update public.opportunities set stage = %s where id = %s", stage, moved)
    for deal in (inserted, moved):
        assert client.one("select stage from public.deals where id = %s", deal) == text
        assert client.opportunity(deal, "stage::text, probability") == (stage, probability)


def test_an_old_word_that_fits_the_new_stage_is_kept(client: Client) -> None:
    deal = client.deal("their own word")
    client.do("update public.opportunities set stage = 'qualified' where id = %s", deal)
    client.do("update public.deals set stage = 'their own word' where id = %s", deal)
    client.do("update public.opportunities set stage = 'lead', next_action = 'ring' where id = %s", deal)
    assert client.opportunity(deal, "legacy_stage, stage::text") == ("their own word", "lead")


def test_a_probability_set_by_hand_stays_until_it_is_let_go(client: Client) -> None:
    deal = client.deal("opportunity")
    client.do("update public.opportunities set probability = 33 where id = %s", deal)
    assert client.opportunity(deal, "stage_manual, probability") == (True, 33)
    client.do("update public.opportunities set stage = 'proposal' where id = %s", deal)
    assert client.opportunity(deal, "probability") == 33
    client.do("update public.opportunities set stage_manual = false where id = %s", deal)
    assert client.opportunity(deal, "stage_manual, probability") == (False, 60)


def test_a_status_set_by_hand_is_not_changed_by_an_old_client(client: Client) -> None:
    deal = client.deal("opportunity")
    client.do("update public.opportunities set status = 'stalled' where id = %s", deal)
    client.do("update public.deals set stage = 'delayed' where id = %s", deal)
    assert client.opportunity(deal, "stage::text, status::text, status_manual") == ("nurturing", "stalled", True)


def test_a_closed_stage_sets_the_closing_date_and_reopening_clears_it(client: Client) -> None:
    deal = client.deal("won")
    assert client.opportunity(deal, "actual_close_date") == TODAY
    client.do("update public.deals set stage = 'opportunity' where id = %s", deal)
    assert client.opportunity(deal, "actual_close_date") is None
    client.do("update public.deals set stage = 'lost', updated_at = '2024-02-29T23:00:00-05' where id = %s", deal)
    assert str(client.opportunity(deal, "actual_close_date")) == "2024-03-01"
    client.do("update public.opportunities set stage = 'closed_won' where id = %s", deal)
    assert str(client.opportunity(deal, "actual_close_date")) == "2024-03-01"


def test_updated_at_follows_unless_the_client_sets_it(client: Client) -> None:
    deal = client.one(
        "insert into public.deals (name, stage, updated_at) values ('D', 'won', '2020-01-01Z') returning id"
    )
    client.do("update public.deals set amount = 5 where id = %s", deal)
    assert client.opportunity(deal, "updated_at > now() - interval '1 minute'") is True
    client.do("update public.deals set updated_at = '2021-06-01Z' where id = %s", deal)
    assert client.opportunity(deal, "updated_at = '2021-06-01Z'") is True


def test_full_text_follows_the_words(client: Client) -> None:
    deal, company = client.deal(), client.company("Acme")
    contact = client.one("insert into public.contacts (first_name) values ('Ann') returning id")
    client.do("update public.deals set description = 'nineteen turbines' where id = %s", deal)
    client.do("update public.companies set city = 'Graz' where id = %s", company)
    client.do("update public.contacts set background = 'plays the oboe' where id = %s", contact)
    for table, key, word in (
        ("opportunities", deal, "turbine"),
        ("companies", company, "graz"),
        ("contacts", contact, "oboe"),
    ):
        found = f"select search_tsv @@ to_tsquery('english', %s) from public.{table} where id = %s"
        assert client.one(found, word, key) is True


def test_company_and_customer_and_participant_are_one_fact_in_three_places(client: Client) -> None:
    one, two, three = (client.company(name) for name in ("One", "Two", "Three"))
    deal = client.deal(company=one)
    assert client.opportunity(deal, "customer_organization_id") == one
    assert client.participants(deal) == [("customer", one, True)]

    client.do("update public.deals set company_id = %s where id = %s", two, deal)
    assert client.opportunity(deal, "customer_organization_id") == two
    assert client.participants(deal) == [("customer", two, True)]

    client.do("update public.opportunities set customer_organization_id = %s where id = %s", three, deal)
    assert client.one("select company_id from public.deals where id = %s", deal) == three
    assert client.participants(deal) == [("customer", three, True)]

    client.do(
        "update public.opportunity_participants set organization_id = %s "
        "where opportunity_id = %s and deleted_at is null",
        one,
        deal,
    )
    assert client.opportunity(deal, "company_id, customer_organization_id") == (one, one)

    client.do("delete from public.opportunity_participants where opportunity_id = %s and deleted_at is null", deal)
    assert client.opportunity(deal, "company_id, customer_organization_id") == (None, None)

    client.join(deal, two, "customer")
    assert client.opportunity(deal, "company_id, customer_organization_id") == (two, two)

    client.do("update public.deals set company_id = null where id = %s", deal)
    assert client.participants(deal) == []


def test_principal_and_distributor_follow_their_participants_and_lead_them(client: Client) -> None:
    maker, other, seller, second = (
        client.principal(),
        client.principal("Other"),
        client.distributor(),
        client.distributor("Second"),
    )
    deal = client.deal()
    client.do(
        "update public.opportunities set principal_organization_id = %s, distributor_organization_id = %s "
        "where id = %s",
        maker,
        seller,
        deal,
    )
    assert client.participants(deal) == [("distributor", seller, True), ("principal", maker, True)]
    client.do("update public.opportunities set principal_organization_id = %s where id = %s", other, deal)
    assert client.participants(deal) == [("distributor", seller, True), ("principal", other, True)]
    client.join(deal, second, "distributor")
    assert client.opportunity(deal, "distributor_organization_id") == seller
    client.do(
        "update public.opportunity_participants set deleted_at = now() "
        "where opportunity_id = %s and role = 'principal'",
        deal,
    )
    assert client.opportunity(deal, "principal_organization_id") is None


@pytest.mark.parametrize("role", ["principal", "distributor"])
def test_who_is_none_is_refused_as_principal_and_distributor_wherever_named(client: Client, role: str) -> None:
    plain, deal = client.company("Plain"), client.deal()
    contact = client.one("insert into public.contacts (first_name) values ('Ann') returning id")
    maker, seller = client.principal(), client.distributor()
    statements = [
        f"update public.opportunities set {role}_organization_id = {plain} where id = {deal}",
        "insert into public.opportunity_participants (opportunity_id, organization_id, role) "
        f"values ({deal}, {plain}, '{role}')",
        "insert into public.principal_distributor_relationships (principal_id, distributor_id) "
        f"values ({plain if role == 'principal' else maker}, {seller if role == 'principal' else plain})",
    ]
    if role == "principal":
        statements += [
            "insert into public.contact_preferred_principals (contact_id, principal_organization_id) "
            f"values ({contact}, {plain})",
            f"insert into public.products (principal_id, name) values ({plain}, 'Bolt')",
        ]
    for statement in statements:
        with pytest.raises(psycopg.errors.CheckViolation, match=f"company {plain} is not a living {role}"):
            client.do(statement)


def test_a_contact_belongs_to_three_and_its_company_is_the_primary_one(client: Client) -> None:
    one, two, three = (client.company(name) for name in ("One", "Two", "Three"))
    contact = client.one("insert into public.contacts (first_name, company_id) values ('Ann', %s) returning id", one)
    client.do(
        "insert into public.contact_organizations (contact_id, organization_id) values (%s, %s), (%s, %s)",
        contact,
        two,
        contact,
        three,
    )
    company = "select company_id from public.contacts where id = %s"
    assert client.memberships(contact) == [(one, True, None), (two, False, None), (three, False, None)]

    client.do(
        "update public.contact_organizations set is_primary_contact = true "
        "where contact_id = %s and organization_id = %s",
        contact,
        three,
    )
    assert client.one(company, contact) == three
    assert client.memberships(contact) == [(one, False, None), (two, False, None), (three, True, None)]

    client.do("update public.contacts set company_id = %s where id = %s", two, contact)
    assert client.memberships(contact) == [(one, False, None), (two, True, None), (three, False, TODAY)]

    client.do("update public.contacts set company_id = %s where id = %s", three, contact)
    assert client.memberships(contact) == [(one, False, None), (two, False, TODAY), (three, True, None)]

    client.do("delete from public.contact_organizations where contact_id = %s and organization_id = %s", contact, three)
    assert client.one(company, contact) is None

    client.do("update public.contacts set company_id = null where id = %s", contact)
    client.do(
        "insert into public.contact_organizations (contact_id, organization_id, is_primary_contact) "
        "values (%s, %s, true)",
        contact,
        three,
    )
    assert client.one(company, contact) == three
    client.do("update public.contacts set company_id = null where id = %s", contact)
    assert [primary for _, primary, _ in client.memberships(contact)] == [False, False, False]


def test_many_rows_in_one_statement_follow_like_one(client: Client) -> None:
    one, two = client.company("One"), client.company("Two")
    client.do(
        "insert into public.deals (name, stage, company_id) "
        "select 'bulk', 'opportunity', %s from generate_series(1, 500)",
        one,
    )
    client.do(
        "insert into public.contacts (first_name, company_id) select 'bulk', %s from generate_series(1, 500)",
        one,
    )
    client.do("update public.deals set company_id = %s, stage = 'won' where name = 'bulk'", two)
    client.do("update public.contacts set company_id = %s where first_name = 'bulk'", two)
    assert (
        client.one(
            """
        select count(*) from public.opportunities as opportunities
        inner join public.opportunity_participants as participants on participants.opportunity_id = opportunities.id
        where opportunities.name = 'bulk' and participants.organization_id = %s and participants.deleted_at is null
            and opportunities.customer_organization_id = %s and opportunities.stage = 'closed_won'
        """,
            two,
            two,
        )
        == 500
    )
    assert (
        client.one(
            """
        select count(*) from public.contacts as contacts
        inner join public.contact_organizations as memberships on memberships.contact_id = contacts.id
        where contacts.first_name = 'bulk' and memberships.organization_id = %s and memberships.is_primary_contact
        """,
            two,
        )
        == 500
    )


def test_a_soft_deleted_company_takes_its_contacts_along_and_leaves_its_opportunities(client: Client) -> None:
    gone, stays = client.company("Gone"), client.company("Stays")
    deal = client.deal(company=gone)
    along = client.one("insert into public.contacts (first_name, company_id) values ('Ann', %s) returning id", gone)
    remains = client.one("insert into public.contacts (first_name, company_id) values ('Ben', %s) returning id", stays)
    client.do("insert into public.contact_organizations (contact_id, organization_id) values (%s, %s)", remains, gone)
    client.do("update public.companies set deleted_at = now() where id = %s", gone)
    living = "select deleted_at is null, company_id from public.contacts where id = %s"
    assert client.one(living, along) == (False, gone)
    assert client.one(living, remains) == (True, stays)
    assert client.memberships(along) == []
    assert client.memberships(remains) == [(stays, True, None)]
    assert client.one("select customer_deleted from public.opportunities_summary where id = %s", deal) is True


def test_an_opportunity_that_was_deleted_softly_is_hidden_from_old_clients(client: Client) -> None:
    deal = client.deal()
    client.do("update public.opportunities set deleted_at = now() where id = %s", deal)
    assert client.rows("select id from public.deals where id = %s", deal) == []


def test_companies_cannot_belong_to_themselves_over_however_many_steps(client: Client) -> None:
    top, middle, bottom = client.company("Top"), client.company("Middle"), client.company("Bottom")
    belong = "update public.companies set parent_company_id = %s where id = %s"
    client.do(belong, top, middle)
    client.do(belong, middle, bottom)
    for child in (top, middle):
        with pytest.raises(psycopg.errors.CheckViolation, match="would belong to itself"):
            client.do(belong, bottom, child)
    with pytest.raises(psycopg.errors.CheckViolation):
        client.do(
            "update public.companies set parent_company_id = case when id = %s then %s::bigint else %s end "
            "where id in (%s, %s)",
            top,
            bottom,
            top,
            top,
            bottom,
        )
    client.do(belong, None, bottom)
    client.do(belong, bottom, top)


def test_the_first_interaction_founds_an_opportunity(client: Client) -> None:
    company = client.company()
    deal = client.deal(company=company)
    add = """
        insert into public.activities (activity_type, type, subject, organization_id, opportunity_id, activity_date)
        values ('interaction', 'call', 'S', %s, %s, %s) returning id
    """
    first = client.one(add, company, deal, "2024-02-01Z")
    client.one(add, company, deal, "2023-02-01Z")
    assert client.opportunity(deal, "founding_interaction_id") == first
    client.do("update public.activities set deleted_at = now() where id = %s", first)
    second = client.opportunity(deal, "founding_interaction_id")
    assert second not in (None, first)
    client.do("delete from public.activities where opportunity_id = %s", deal)
    assert client.opportunity(deal, "founding_interaction_id") is None


def test_a_company_that_gets_another_id_keeps_its_contacts_deals_and_history(client: Client) -> None:
    company = client.company()
    deal = client.deal(company=company)
    contact = client.one(
        "insert into public.contacts (first_name, company_id) values ('Ann', %s) returning id", company
    )
    client.do("update public.companies set id = 987654 where id = %s", company)
    assert client.memberships(contact) == [(987654, True, None)]
    assert client.participants(deal) == [("customer", 987654, True)]
    assert client.opportunity(deal, "company_id, customer_organization_id") == (987654, 987654)


def test_deletes_go_as_far_as_they_went_before(client: Client) -> None:
    company, maker = client.company(), client.principal()
    deal = client.deal(company=company)
    client.do("update public.opportunities set principal_organization_id = %s where id = %s", maker, deal)
    contact = client.one(
        "insert into public.contacts (first_name, company_id) values ('Ann', %s) returning id", company
    )
    client.do("delete from public.companies where id = %s", maker)
    assert client.opportunity(deal, "principal_organization_id") is None
    client.do("delete from public.companies where id = %s", company)
    assert client.rows("select id from public.contacts where id = %s", contact) == []
    assert client.rows("select id from public.deals where id = %s", deal) == []


def test_the_rules_hold_for_a_role_that_may_only_insert_contacts_and_deals(migrated: Migrated) -> None:
    """Like a referential action, a rule runs as the owner: nobody needs a new right for an old statement."""
    with postgres.connect(migrated[1].admin_url, autocommit=True) as admin:
        admin.execute(b"create role importer_of_rules bypassrls")
        try:
            admin.execute(b"grant insert on public.contacts, public.deals, public.opportunities to importer_of_rules")
            company = Client(admin).company("Hidden")
            with acting(migrated[1].admin_url, "importer_of_rules") as importer:
                importer.do("insert into public.contacts (first_name, company_id) values ('Imported', %s)", company)
                importer.do(
                    "insert into public.deals (name, stage, company_id) values ('Imported', 'won', %s)", company
                )
            counted = "select count(*) from public.contact_organizations where organization_id = %s"
            assert Client(admin).one(counted, company) == 1
        finally:
            admin.execute(b"drop owned by importer_of_rules")
            admin.execute(b"drop role importer_of_rules")
