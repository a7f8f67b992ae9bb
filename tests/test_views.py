"""The views of the target, as role authenticated reads them: what they count, and what they leave out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from conftest import Database
from crm_migrate import catalog as catalogs
from crm_migrate.catalog import Catalog
from crm_migrate.settings import Settings
from test_rules import Client, acting

Migrated = tuple[Settings, Database]
TODAY = datetime.now(UTC).date()
DOCUMENTED = """
contact_influence_profile, principal_advocacy_dashboard, opportunities_with_participants, engagement_analytics,
interaction_analytics, contact_engagement_summary, principal_product_summary, distributor_relationship_summary
"""
VIEWS = DOCUMENTED.replace(",", " ").split()
SUMMARIES = ["companies_summary", "contacts_summary", "opportunities_summary"]


@pytest.fixture
def client(migrated: Migrated) -> Iterator[Client]:
    with acting(migrated[1].admin_url) as client:
        yield client


def contact(client: Client, company: int | None = None) -> int:
    query = "insert into public.contacts (first_name, last_name, company_id) values ('Ann', 'Bee', %s) returning id"
    return int(client.one(query, company))


def opportunity(client: Client, *call: object) -> int:
    query = "select opportunity_id from public.create_opportunity_with_participants(%s, 'Big', %s, %s)"
    return int(client.one(query, *call))


def gone(client: Client, table: str, of: int) -> None:
    client.do(f"update public.{table} set deleted_at = now() where id = %s", of)


def test_every_documented_view_is_there_explained_and_read_with_the_callers_rights(client: Client) -> None:
    rows = client.rows(
        """
        select relname::text, reloptions, obj_description(oid, 'pg_class') is not null
        from pg_catalog.pg_class where relnamespace = 'public'::regnamespace and relname = any (%s) order by 1
        """,
        VIEWS + SUMMARIES,
    )
    assert rows == [(name, ["security_invoker=on"], True) for name in sorted(VIEWS + SUMMARIES)]


def test_preflight_knows_their_names_beforehand(catalog: Catalog) -> None:
    assert {name for kind, name in catalogs.created(catalog) if kind == "relation"} >= set(VIEWS)


def test_the_readme_names_every_view() -> None:
    told = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert [name for name in VIEWS if f"`{name}`" not in told] == []


def test_every_view_answers_for_the_whole_sample(client: Client) -> None:
    living = client.one("select count(*) from public.contacts where deleted_at is null")
    for view in ("contact_influence_profile", "contact_engagement_summary"):
        assert client.one(f"select count(*), count(distinct contact_id) from public.{view}") == (living, living)
    opportunities = client.one("select count(*) from public.opportunities")
    assert client.one("select count(*) from public.opportunities_with_participants") == opportunities
    counted = "select coalesce(sum(nb_{0}s), 0) from public.{0}_analytics"
    known = "select count(*) from public.activities where activity_type = '{0}'"
    for kind in ("engagement", "interaction"):
        assert client.one(counted.format(kind)) == client.one(known.format(kind)) > 0


def test_every_column_of_a_new_table_says_what_it_means(client: Client) -> None:
    silent = client.rows(
        """
        select attrelid::regclass::text, attname::text
        from pg_catalog.pg_attribute
        where attnum > 0 and not attisdropped and col_description(attrelid, attnum) is null
            and attrelid in (
                'public.contact_organizations'::regclass, 'public.contact_preferred_principals'::regclass,
                'public.opportunity_participants'::regclass, 'public.opportunity_products'::regclass,
                'public.activities'::regclass, 'public.interaction_participants'::regclass,
                'public.products'::regclass, 'public.principal_distributor_relationships'::regclass
            )
        """
    )
    assert silent == []


def test_the_summary_of_opportunities_begins_with_the_columns_of_a_deal(client: Client) -> None:
    query = """
        select attname::text from pg_catalog.pg_attribute
        where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum
    """
    deal = client.rows(query, "public.deals")
    assert client.rows(query, "public.opportunities_summary")[: len(deal)] == deal


def test_a_profile_knows_organisations_principals_and_the_highest_role(client: Client) -> None:
    home, other, former = client.company("Home"), client.company("Other"), client.company("Former")
    weak, strong, lost = client.principal("Weak"), client.principal("Strong"), client.principal("Lost")
    ann = contact(client, home)
    add = "select public.add_contact_to_organization(%s, %s, %s, p_purchase_influence => %s)"
    client.one(add, ann, other, "buyer", "Medium")
    membership = client.one(add, ann, former, "executive", "High")
    client.do(
        """
        update public.contact_organizations set role = 'champion', purchase_influence = 'Low'
        where organization_id = %s
        """,
        home,
    )
    for principal, strength in ((weak, 2), (strong, 9), (lost, 10)):
        client.one("select public.add_principal_advocacy(%s, %s, %s)", ann, principal, strength)
    columns = """
        organization_ids, organization_names, highest_role::text, purchase_influence, principal_ids, principal_names,
        strongest_advocacy, average_advocacy, nb_organizations, nb_principals
    """
    query = f"select {columns} from public.contact_influence_profile where contact_id = %s"
    assert client.one(query, ann)[2:4] == ("executive", "High")
    ended = "update public.contact_organizations set relationship_end_date = %s where id = %s"
    client.do(ended, TODAY - timedelta(days=1), membership)
    gone(client, "companies", lost)
    assert client.one(query, ann) == (
        [home, other],
        ["Home", "Other"],
        "champion",
        "Medium",
        [strong, weak],
        ["Strong", "Weak"],
        9,
        Decimal("5.5"),
        2,
        2,
    )
    gone(client, "contacts", ann)
    assert client.rows(query, ann) == []


def test_a_contact_of_nobody_has_an_empty_profile(client: Client) -> None:
    query = """
        select primary_organization_id, nb_organizations, organization_ids, highest_role, purchase_influence,
            nb_principals
        from public.contact_influence_profile where contact_id = %s
    """
    assert client.one(query, contact(client)) == (None, 0, [], None, "Unknown", 0)


def test_a_principal_sees_its_advocates_by_strength_and_whom_they_reach(client: Client) -> None:
    principal, one, two = client.principal(), client.company("One"), client.company("Two")
    people = [contact(client, company) for company in (one, one, two, principal)]
    for person, strength in zip(people, (9, 5, 3, 8), strict=True):
        client.one("select public.add_principal_advocacy(%s, %s, %s)", person, principal, strength)
    query = """
        select nb_advocates, nb_strong_advocates, nb_moderate_advocates, nb_weak_advocates, average_advocacy,
            advocate_ids, nb_organizations_reached
        from public.principal_advocacy_dashboard where principal_id = %s
    """
    strongest = [people[0], people[3], people[1], people[2]]
    assert client.one(query, principal) == (4, 2, 1, 1, Decimal("6.3"), strongest, 2)
    gone(client, "companies", two)
    assert client.one(query, principal)[:4] == (3, 2, 1, 0)
    assert client.one(query, client.principal("New")) == (0, 0, 0, 0, None, [], 0)


def test_an_opportunity_lists_who_takes_part_in_it(client: Client) -> None:
    customer, principal, partner = client.company("Buyer"), client.principal(), client.company("Partner")
    made = opportunity(client, customer, [principal], None)
    client.join(made, partner, "partner")
    query = """
        select customer_organization_name, principal_organization_name, distributor_organization_name, customer_deleted,
            nb_participants, participants
        from public.opportunities_with_participants where opportunity_id = %s
    """
    *names, listed = client.one(query, made)
    assert names == ["Buyer", "Maker", None, False, 3]
    assert {(entry["role"], entry["organization_id"], entry["organization_name"]) for entry in listed} == {
        ("customer", customer, "Buyer"),
        ("principal", principal, "Maker"),
        ("partner", partner, "Partner"),
    }
    client.one("select public.soft_delete_company(%s)", customer)
    assert client.one(query, made)[3]
    gone(client, "opportunities", made)
    assert client.rows(query, made) == []


def test_analytics_count_by_month_and_type(client: Client) -> None:
    ann, customer = contact(client), client.company("Buyer")
    made = opportunity(client, customer, None, None)
    log = "select public.log_{0}(%s, 'trade_show', 'S', null, %s, {1}, p_duration_minutes => %s, p_sentiment => %s)"
    for at, minutes, sentiment in (("1999-05-01 00:00+00", 10, "positive"), ("1999-05-31 23:59+00", 20, "negative")):
        client.one(log.format("engagement", "p_organization_id => null"), ann, at, minutes, sentiment)
        client.one(log.format("interaction", f"p_contact_id => {ann}"), made, at, minutes, sentiment)
    client.one(log.format("engagement", "p_organization_id => null"), ann, None, None, None)
    counts = "nb_contacts, nb_organizations, average_duration_minutes, nb_positive, nb_neutral, nb_negative"
    query = f"select nb_engagements, {counts} from public.engagement_analytics where type = 'trade_show' and month = %s"
    assert client.one(query, date(1999, 5, 1)) == (2, 1, 0, Decimal("15.0"), 1, 0, 1)
    query = (
        f"select nb_interactions, {counts} from public.interaction_analytics where type = 'trade_show' and month = %s"
    )
    assert client.one(query, date(1999, 5, 1)) == (2, 1, 1, Decimal("15.0"), 1, 0, 1)
    query = "select nb_opportunities, nb_won_opportunities from public.interaction_analytics where type = 'trade_show'"
    assert client.one(query) == (1, 0)
    client.do("update public.opportunities set stage = 'closed_won' where id = %s", made)
    assert client.one(query) == (1, 1)
    query = "select nb_engagements from public.engagement_analytics where type = 'trade_show' and month is null"
    assert client.one(query) == 1
    gone(client, "opportunities", made)
    assert client.rows("select from public.interaction_analytics where type = 'trade_show'") == []


def test_a_contact_knows_when_it_was_spoken_to_and_what_is_to_follow(client: Client) -> None:
    customer = client.company("Buyer")
    ann, made = contact(client, customer), opportunity(client, customer, None, None)
    client.one("select public.log_engagement(%s, p_activity_date => '2020-01-01 00:00+00')", ann)
    client.one(
        "select public.log_interaction(%s, p_contact_id => %s, p_activity_date => '2021-01-01 00:00+00')", made, ann
    )
    client.one("select public.log_engagement(%s, p_follow_up_date => '2031-01-01')", ann)
    client.one("select public.log_engagement(%s, p_follow_up_date => '2030-01-01')", ann)
    query = """
        select primary_organization_name, nb_engagements, nb_interactions, nb_opportunities, nb_open_follow_ups,
            first_activity_date, last_activity_date, next_follow_up_date
        from public.contact_engagement_summary where contact_id = %s
    """
    first, last = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)
    assert client.one(query, ann) == ("Buyer", 3, 1, 1, 2, first, last, date(2030, 1, 1))
    assert client.one(query, contact(client)) == (None, 0, 0, 0, 0, None, None, None)


def test_a_principal_knows_its_products_and_a_distributor_whom_it_sells_for(client: Client) -> None:
    principal, seller, customer = client.principal(), client.distributor(), client.company("Buyer")
    pump = client.one("select public.add_product(%s, 'Pump', 'P', 'Pumps', 10)", principal)
    client.one("select public.add_product(%s, 'Hose', 'H', 'Hoses', 5)", principal)
    client.one("select public.add_product(%s, 'Old', 'O', 'Hoses', 1, p_is_active => false)", principal)
    client.do(
        """
        insert into public.principal_distributor_relationships (principal_id, distributor_id, commission_rate)
        values (%s, %s, 0.1)
        """,
        principal,
        seller,
    )
    made = opportunity(client, customer, [principal], seller)
    client.do("update public.opportunities set amount = 700 where id = %s", made)
    client.do(
        """
        insert into public.opportunity_products (
            opportunity_id, product_id, product_name, quantity, unit_price, discount_percent
        )
        values (%s, %s, 'Pump', 3, 10, 10)
        """,
        made,
        pump,
    )
    query = """
        select nb_products, nb_active_products, nb_categories, lowest_unit_price, average_unit_price,
            highest_unit_price, nb_opportunities, won_value, open_value, nb_distributors
        from public.principal_product_summary where principal_id = %s
    """
    cheap, mean, dear = Decimal("5.00"), Decimal("7.50"), Decimal("10.00")
    assert client.one(query, principal) == (3, 2, 2, cheap, mean, dear, 1, 0, Decimal("27.00"), 1)
    query = """
        select nb_active_relationships, principal_ids, principal_names, average_commission_rate, nb_products,
            nb_opportunities, won_amount, open_amount
        from public.distributor_relationship_summary where distributor_id = %s
    """
    assert client.one(query, seller) == (1, [principal], ["Maker"], Decimal("0.1000"), 2, 1, 0, 700)
    client.do("update public.opportunities set stage = 'closed_won' where id = %s", made)
    assert client.one(query, seller)[-2:] == (700, 0)
    gone(client, "companies", principal)
    assert client.one(query, seller)[:3] == (0, [], [])


def test_a_role_sees_through_them_only_what_policies_allow(client: Client) -> None:
    hidden, shown, seller = client.principal("Hidden"), client.principal("Shown"), client.distributor()
    customer = client.company("Buyer")
    ann = contact(client, customer)
    secret, known = opportunity(client, customer, [hidden], seller), opportunity(client, customer, [shown], seller)
    for principal in (hidden, shown):
        client.one("select public.add_principal_advocacy(%s, %s)", ann, principal)
        client.do(
            "insert into public.principal_distributor_relationships (principal_id, distributor_id) values (%s, %s)",
            principal,
            seller,
        )
    client.do("reset role")
    client.do(f"create policy shy on public.companies as restrictive to authenticated using (id <> {hidden})")
    client.do(f"create policy shy on public.opportunities as restrictive to authenticated using (id <> {secret})")
    client.do("create policy shy on public.activities as restrictive to authenticated using (mod(contact_id, 2) = 0)")
    client.do("set role authenticated")
    query = "select principal_ids from public.contact_influence_profile where contact_id = %s"
    assert client.one(query, ann) == [shown]
    for view in ("principal_advocacy_dashboard", "principal_product_summary"):
        found = client.rows(f"select principal_id from public.{view} where principal_id in (%s, %s)", hidden, shown)
        assert found == [(shown,)]
    query = "select opportunity_id from public.opportunities_with_participants where opportunity_id in (%s, %s)"
    assert client.rows(query, secret, known) == [(known,)]
    query = (
        "select principal_ids, nb_opportunities from public.distributor_relationship_summary where distributor_id = %s"
    )
    assert client.one(query, seller) == ([shown], 1)
    visible = client.one("select count(*) from public.activities where activity_type = 'engagement'")
    assert client.one("select sum(nb_engagements) from public.engagement_analytics") == visible > 0
