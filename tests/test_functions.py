"""What an application calls, as role authenticated calls it: what each function does, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest

from conftest import Database
from crm_migrate import catalog as catalogs
from crm_migrate import events, history, inputs, plan, postgres
from crm_migrate.catalog import Catalog
from crm_migrate.settings import Settings
from crm_migrate.steps import Context
from test_rules import Client, acting

Migrated = tuple[Settings, Database]
TODAY = datetime.now(UTC).date()
DOCUMENTED = """
get_contact_organizations, get_organization_contacts, add_contact_to_organization, add_principal_advocacy,
soft_delete_company, create_opportunity_with_participants, sync_opportunity_participants,
get_opportunity_with_participants, log_engagement, log_interaction, convert_engagement_to_interaction,
get_activity_timeline, get_distributor_products, get_principal_distributors, add_product
"""
FUNCTIONS = DOCUMENTED.replace(",", " ").split()


@pytest.fixture
def client(migrated: Migrated) -> Iterator[Client]:
    with acting(migrated[1].admin_url) as client:
        yield client


@dataclass(frozen=True, slots=True)
class Cast:
    """Ids of who takes part in a test."""

    customer: int
    principal: int
    distributor: int
    contact: int
    opportunity: int


def contact(client: Client, company: int | None = None) -> int:
    query = "insert into public.contacts (first_name, last_name, company_id) values ('Ann', 'Bee', %s) returning id"
    return int(client.one(query, company))


@pytest.fixture
def cast(client: Client) -> Cast:
    customer, principal, distributor = client.company("Buyer"), client.principal(), client.distributor()
    opportunity = client.one(
        "select opportunity_id from public.create_opportunity_with_participants(%s, 'Big', %s, %s)",
        customer,
        [principal],
        distributor,
    )
    return Cast(customer, principal, distributor, contact(client, customer), int(opportunity))


def test_every_documented_function_is_there_explained_and_run_with_the_callers_rights(client: Client) -> None:
    rows = client.rows(
        """
        select proname::text, prosecdef, proconfig, obj_description(oid, 'pg_proc') is not null
        from pg_catalog.pg_proc where pronamespace = 'public'::regnamespace and proname = any (%s) order by 1
        """,
        FUNCTIONS,
    )
    assert rows == [(name, False, ['search_path=""'], True) for name in sorted(FUNCTIONS)]


def test_preflight_knows_their_names_beforehand(catalog: Catalog) -> None:
    taken = {name for kind, name in catalogs.created(catalog) if kind == "function"}
    assert taken >= set(FUNCTIONS)


def test_the_readme_names_every_function() -> None:
    told = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert [name for name in FUNCTIONS if f"`{name}`" not in told] == []


def test_a_contact_is_linked_to_three_organisations_and_the_primary_one_moves(client: Client) -> None:
    ann, companies = contact(client), [client.company(name) for name in ("A", "B", "C")]
    for company in companies:
        client.one("select public.add_contact_to_organization(%s, %s)", ann, company)
    listed = "select organization_id, is_primary_contact from public.get_contact_organizations(%s)"
    assert client.rows(listed, ann) == [(companies[0], True), (companies[1], False), (companies[2], False)]
    client.do(
        """
        update public.contact_organizations set is_primary_contact = true
        where contact_id = %s and organization_id = %s
        """,
        ann,
        companies[2],
    )
    assert client.one("select company_id from public.contacts where id = %s", ann) == companies[2]
    assert client.rows(listed, ann) == [(companies[2], True), (companies[0], False), (companies[1], False)]
    query = "select contact_id, last_name from public.get_organization_contacts(%s)"
    assert client.rows(query, companies[1]) == [(ann, "Bee")]


def test_a_contact_that_left_may_come_back(client: Client) -> None:
    here, there = client.company("Here"), client.company("There")
    ann = contact(client, here)
    client.do("update public.contacts set company_id = %s where id = %s", there, ann)
    listed = "select organization_id from public.get_contact_organizations(%s)"
    assert client.rows(listed, ann) == [(there,)]
    assert client.rows("select from public.get_organization_contacts(%s)", here) == []
    first = client.one("select id from public.contact_organizations where organization_id = %s", here)
    again = client.one("select public.add_contact_to_organization(%s, %s, 'champion', true)", ann, here)
    assert again == first
    assert client.rows(listed, ann) == [(here,), (there,)]
    assert client.one("select company_id from public.contacts where id = %s", ann) == here


def test_an_opportunity_is_created_with_its_participants(client: Client, cast: Cast) -> None:
    assert client.opportunity(
        cast.opportunity, "company_id, customer_organization_id, principal_organization_id, legacy_stage, probability"
    ) == (cast.customer, cast.customer, cast.principal, "opportunity", 10)
    assert client.participants(cast.opportunity) == [
        ("customer", cast.customer, True),
        ("distributor", cast.distributor, True),
        ("principal", cast.principal, True),
    ]
    found = client.one("select public.get_opportunity_with_participants(%s)", cast.opportunity)
    assert (found["name"], found["is_deal"], found["customer_deleted"]) == ("Big", False, False)
    assert [(entry["role"], entry["organization_name"]) for entry in found["participants"]] == [
        ("customer", "Buyer"),
        ("principal", "Maker"),
        ("distributor", "Seller"),
    ]
    assert found["products"] == []
    assert client.one("select company_id, stage from public.deals where id = %s", cast.opportunity) == (
        cast.customer,
        "opportunity",
    )


def test_several_principals_give_one_opportunity_each(client: Client) -> None:
    customer, one, two = client.company("Buyer"), client.principal("One"), client.principal("Two")
    query = "select * from public.create_opportunity_with_participants(%s, 'Big', %s, p_stage => 'closed_won')"
    made = client.rows(query, customer, [two, one, two])
    assert [principal for _, principal in made] == [two, one]
    assert len({opportunity for opportunity, _ in made}) == 2
    for opportunity, principal in made:
        assert client.participants(opportunity) == [("customer", customer, True), ("principal", principal, True)]
        assert client.opportunity(opportunity, "legacy_stage, actual_close_date is not null") == ("won", True)


def test_without_a_principal_there_is_one_opportunity(client: Client) -> None:
    query = "select * from public.create_opportunity_with_participants(%s, 'Small')"
    [(opportunity, principal)] = client.rows(query, client.company())
    assert principal is None
    assert client.opportunity(opportunity, "name, contact_ids") == ("Small", [])


def test_whoever_has_the_id_0_takes_part_like_any_other(client: Client) -> None:
    client.do("insert into public.companies (id, name) values (0, 'Zero')")
    client.do("insert into public.contacts (id, first_name) values (0, 'Zoe')")
    client.one("select public.add_contact_to_organization(0, 0)")
    assert client.one("select company_id from public.contacts where id = 0") == 0
    query = "select opportunity_id from public.create_opportunity_with_participants(0, 'Nil', p_contact_ids => %s)"
    made = client.one(query, [0])
    assert client.opportunity(made, "company_id, contact_ids") == (0, [0])
    logged = client.one("select public.log_interaction(%s)", made)
    assert client.one("select activity_id from public.get_activity_timeline(p_organization_id => 0)") == logged


def test_participants_become_those_of_a_list(client: Client, cast: Cast) -> None:
    other, partner, second = client.principal("Other"), client.company("Partner"), client.distributor("Second")
    listed = [
        {"organization_id": cast.customer, "role": "customer"},
        {"organization_id": other, "role": "principal", "commission_rate": 0.05},
        {"organization_id": cast.distributor, "role": "distributor", "territory": "North"},
        {"organization_id": second, "role": "distributor", "is_primary": True},
        {"organization_id": partner, "role": "partner"},
    ]
    columns = "organization_id, role, is_primary, commission_rate, territory"
    query = f"select {columns} from public.sync_opportunity_participants(%s, %s)"
    rows = client.rows(query, cast.opportunity, psycopg.types.json.Jsonb(listed))
    assert [(row[0], row[1], row[2]) for row in rows] == [
        (cast.customer, "customer", True),
        (other, "principal", True),
        (second, "distributor", True),
        (cast.distributor, "distributor", False),
        (partner, "partner", True),
    ]
    assert (float(rows[1][3]), rows[3][4]) == (0.05, "North")
    columns = "customer_organization_id, company_id, principal_organization_id, distributor_organization_id"
    assert client.opportunity(cast.opportunity, columns) == (cast.customer, cast.customer, other, second)
    again = client.rows("select * from public.sync_opportunity_participants(%s)", cast.opportunity)
    assert [row[1] for row in again] == [row[0] for row in rows]
    assert client.rows("select * from public.sync_opportunity_participants(%s, '[]')", cast.opportunity) == []
    assert client.opportunity(cast.opportunity, columns) == (None, None, None, None)


IMPOSSIBLE = [
    ('{"role": "customer"}', "is no list of participants"),
    ('[{"organization_id": "x", "role": "customer"}]', "is no list of participants"),
    ("[5]", "lacks its organization_id"),
    ('[{"organization_id": 1, "role": "friend"}]', "a role is none of customer, principal"),
    ('[{"organization_id": 1, "role": "partner", "commission_rate": 5}]', "no share from 0 to 1"),
    ('[{"organization_id": 1, "role": "partner"}, {"organization_id": 1, "role": "partner"}]', "a role twice"),
    ('[{"organization_id": 1, "role": "customer"}, {"organization_id": 2, "role": "customer"}]', "one customer"),
    ('[{"organization_id": 1, "role": "principal"}, {"organization_id": 2, "role": "principal"}]', "one principal"),
    (
        '[{"organization_id": 1, "role": "partner", "is_primary": true},'
        ' {"organization_id": 2, "role": "partner", "is_primary": true}]',
        "more than one primary",
    ),
]


def test_a_list_of_participants_that_cannot_be_is_refused(client: Client, cast: Cast) -> None:
    before = client.participants(cast.opportunity)
    for listed, told in IMPOSSIBLE:
        with pytest.raises(psycopg.errors.InvalidParameterValue, match=told):
            client.one("select public.sync_opportunity_participants(%s, %s)", cast.opportunity, listed)
    assert client.participants(cast.opportunity) == before


def test_an_engagement_is_logged_and_turned_into_an_interaction(client: Client, cast: Cast) -> None:
    advocacy = client.one("select public.add_principal_advocacy(%s, %s, 8)", cast.contact, cast.principal)
    engagement = client.one("select public.log_engagement(%s, 'call', ' ')", cast.contact)
    columns = "activity_type::text, type::text, subject, organization_id, opportunity_id"
    look = f"select {columns} from public.activities where id = %s"
    assert client.one(look, engagement) == ("engagement", "call", "call", cast.customer, None)
    turned = client.one("select public.convert_engagement_to_interaction(%s, %s)", engagement, cast.opportunity)
    assert turned == engagement
    assert client.one(look, engagement) == ("interaction", "call", "call", cast.customer, cast.opportunity)
    assert client.opportunity(cast.opportunity, "founding_interaction_id") == engagement
    dated = "select last_interaction_date from public.contact_preferred_principals where id = %s"
    assert client.one(dated, advocacy) == TODAY
    with pytest.raises(psycopg.errors.CheckViolation, match=f"activity {engagement} is an interaction on opportunity"):
        client.one("select public.convert_engagement_to_interaction(%s, %s)", engagement, cast.opportunity)


def test_the_first_interaction_founds_and_dates_advocates_only_forwards(client: Client, cast: Cast) -> None:
    bystander = contact(client)
    for person in (cast.contact, bystander):
        client.one("select public.add_principal_advocacy(%s, %s)", person, cast.principal)
    log = "select public.log_interaction(%s, 'meeting', 'Met', null, %s, %s)"
    first = client.one(log, cast.opportunity, "2026-03-05 23:30+00", cast.contact)
    client.one(log, cast.opportunity, "2025-01-01 00:00+00", cast.contact)
    assert client.opportunity(cast.opportunity, "founding_interaction_id") == first
    dates = (
        "select contact_id, last_interaction_date from public.contact_preferred_principals where contact_id in (%s, %s)"
    )
    assert set(client.rows(dates, cast.contact, bystander)) == {(cast.contact, date(2026, 3, 5)), (bystander, None)}


def test_a_timeline_is_newest_first_and_knows_who_only_took_part(client: Client, cast: Cast) -> None:
    guest = contact(client)
    old = client.one("select public.log_engagement(%s, p_activity_date => '2020-01-01')", cast.contact)
    undated = client.one("select public.log_engagement(%s, p_activity_date => null)", cast.contact)
    new = client.one("select public.log_interaction(%s, p_contact_id => %s)", cast.opportunity, cast.contact)
    client.do("insert into public.interaction_participants (activity_id, contact_id) values (%s, %s)", new, guest)

    def ids(argument: str, of: int, limit: int = 100) -> list[int]:
        query = f"select activity_id from public.get_activity_timeline({argument} => %s, p_limit => %s)"
        return [row[0] for row in client.rows(query, of, limit)]

    assert ids("p_contact_id", cast.contact) == [new, old, undated]
    assert ids("p_contact_id", cast.contact, 1) == [new]
    assert ids("p_contact_id", guest) == [new]
    assert ids("p_organization_id", cast.customer) == [new, old, undated]
    assert ids("p_opportunity_id", cast.opportunity) == [new]
    client.do("update public.activities set deleted_at = now() where id = %s", new)
    assert ids("p_opportunity_id", cast.opportunity) == []


def test_a_follow_up_is_asked_for_by_its_date_or_its_notes(client: Client, cast: Cast) -> None:
    look = "select follow_up_required, follow_up_date from public.activities where id = %s"
    query = "select public.log_engagement(%s, p_follow_up_date => '2030-01-01')"
    assert client.one(look, client.one(query, cast.contact)) == (True, date(2030, 1, 1))
    query = "select public.log_engagement(p_organization_id => %s)"
    assert client.one(look, client.one(query, cast.customer)) == (False, None)


def test_a_principals_distributors_and_a_distributors_products_are_listed(client: Client, cast: Cast) -> None:
    later, former = client.distributor("Later"), client.distributor("Former")
    for distributor, status in ((cast.distributor, "active"), (later, "pending"), (former, "terminated")):
        client.do(
            """
            insert into public.principal_distributor_relationships (principal_id, distributor_id, relationship_status)
            values (%s, %s, %s)
            """,
            cast.principal,
            distributor,
            status,
        )
    sold = client.one("select public.add_product(%s, 'Pump', 'P-1', 'Pumps', 12.5)", cast.principal)
    client.one("select public.add_product(%s, 'Old pump', p_is_active => false)", cast.principal)
    query = "select distributor_id, relationship_status from public.get_principal_distributors(%s)"
    assert client.rows(query, cast.principal) == [(cast.distributor, "active"), (later, "pending")]
    query = "select product_id, product_name, sku, principal_id from public.get_distributor_products(%s)"
    assert client.rows(query, cast.distributor) == [(sold, "Pump", "P-1", cast.principal)]
    assert client.rows(query, later) == []
    with pytest.raises(psycopg.errors.UniqueViolation, match=f"company {cast.principal} has a product with this SKU"):
        client.one("select public.add_product(%s, 'Pump again', ' P-1 ')", cast.principal)


def test_a_soft_deleted_company_takes_its_contacts_along_and_its_opportunities_stay(client: Client, cast: Cast) -> None:
    told = client.one("select public.soft_delete_company(%s)", cast.customer)
    assert {name: told[name] for name in ("company_id", "contacts", "memberships", "opportunities")} == {
        "company_id": cast.customer,
        "contacts": 1,
        "memberships": 1,
        "opportunities": 1,
    }
    assert client.one("select deleted_at is not null from public.contacts where id = %s", cast.contact)
    query = "select customer_deleted, customer_organization_id from public.opportunities_summary where id = %s"
    assert client.one(query, cast.opportunity) == (True, cast.customer)
    assert client.one("select public.get_opportunity_with_participants(%s)", cast.opportunity)["customer_deleted"]
    with pytest.raises(psycopg.errors.NoDataFound, match=f"company {cast.customer} does not exist, was deleted"):
        client.one("select public.soft_delete_company(%s)", cast.customer)


CALLS = [
    ("get_contact_organizations({contact})", "contact"),
    ("get_organization_contacts({company})", "company"),
    ("add_contact_to_organization({contact}, {living_company})", "contact"),
    ("add_contact_to_organization({living_contact}, {company})", "company"),
    ("add_principal_advocacy({contact}, {living_principal})", "contact"),
    ("add_principal_advocacy({living_contact}, {principal})", "principal"),
    ("soft_delete_company({company})", "company"),
    ("create_opportunity_with_participants({company}, 'Big')", "company"),
    ("create_opportunity_with_participants({living_company}, 'Big', array[{principal}]::bigint[])", "principal"),
    (
        "create_opportunity_with_participants({living_company}, 'Big', p_contact_ids => array[{contact}]::bigint[])",
        "contact",
    ),
    ("sync_opportunity_participants({opportunity})", "opportunity"),
    ("get_opportunity_with_participants({opportunity})", "opportunity"),
    ("log_interaction({opportunity})", "opportunity"),
    ("convert_engagement_to_interaction({activity}, {living_opportunity})", "activity"),
    ("convert_engagement_to_interaction({living_activity}, {opportunity})", "opportunity"),
    ("get_distributor_products({distributor})", "distributor"),
    ("get_principal_distributors({principal})", "principal"),
    ("add_product({principal}, 'Pump')", "principal"),
]
OPTIONAL = [
    (
        "create_opportunity_with_participants({living_company}, 'B', p_distributor_organization_id => {distributor})",
        "distributor",
    ),
    ("create_opportunity_with_participants({living_company}, 'Big', p_sales_id => {user})", "user"),
    ("log_engagement({contact})", "contact"),
    ("log_engagement(p_organization_id => {company})", "company"),
    ("log_interaction({living_opportunity}, p_contact_id => {contact})", "contact"),
    ("log_interaction({living_opportunity}, p_organization_id => {company})", "company"),
    ("get_activity_timeline({contact})", "contact"),
    ("get_activity_timeline(p_organization_id => {company})", "company"),
    ("get_activity_timeline(p_opportunity_id => {opportunity})", "opportunity"),
    ("add_contact_to_organization({living_contact}, {living_company}, p_created_by => {user})", "user"),
    ("add_principal_advocacy({living_contact}, {living_principal}, p_created_by => {user})", "user"),
    ("add_product({living_principal}, 'Pump', p_created_by => {user})", "user"),
]


def living(client: Client, cast: Cast) -> dict[str, int]:
    return {
        "living_company": client.company("Lively"),
        "living_contact": contact(client),
        "living_principal": cast.principal,
        "living_opportunity": cast.opportunity,
        "living_activity": client.one("select public.log_engagement(%s)", cast.contact),
    }


def calls(client: Client, cast: Cast, bad: dict[str, int | str]) -> dict[str, str]:
    """Every call with the ids in question, by the call."""
    names = {**living(client, cast), **bad}
    return {call: call.format(**names) for call, _ in CALLS + OPTIONAL}


def test_every_function_refuses_a_missing_id(client: Client, cast: Cast) -> None:
    kinds = {kind: "null" for _, kind in CALLS + OPTIONAL}
    made = calls(client, cast, {**kinds})
    for call, kind in CALLS:
        with pytest.raises(psycopg.errors.InvalidParameterValue, match=f"the {kind} is missing"):
            client.one(f"select public.{made[call]}")
    for call in ("log_engagement()", "get_activity_timeline()"):
        with pytest.raises(psycopg.errors.InvalidParameterValue, match=r"needs a contact|is that of one contact"):
            client.one(f"select public.{call}")


def test_every_function_refuses_an_unknown_id_and_names_it(client: Client, cast: Cast) -> None:
    kinds = {kind: "987654321" for _, kind in CALLS + OPTIONAL}
    made = calls(client, cast, {**kinds})
    for call, kind in CALLS + OPTIONAL:
        with pytest.raises(psycopg.errors.NoDataFound, match=f"{kind} 987654321 does not exist") as caught:
            client.one(f"select public.{made[call]}")
        assert caught.value.diag.message_hint


def test_every_function_refuses_what_was_deleted_softly(client: Client, cast: Cast) -> None:
    tables = {
        "company": ("companies", client.company()),
        "principal": ("companies", client.principal("Gone maker")),
        "distributor": ("companies", client.distributor("Gone seller")),
        "contact": ("contacts", contact(client)),
        "opportunity": ("opportunities", client.deal()),
        "activity": ("activities", client.one("select public.log_engagement(%s)", cast.contact)),
    }
    made = calls(client, cast, {"user": "null", **{kind: of for kind, (_, of) in tables.items()}})
    for table, of in tables.values():
        client.do(f"update public.{table} set deleted_at = now() where id = %s", of)
    for call, kind in CALLS + OPTIONAL:
        if kind != "user":
            with pytest.raises(psycopg.errors.NoDataFound, match=f"{kind} {tables[kind][1]} does not exist"):
                client.one(f"select public.{made[call]}")


def test_who_is_no_principal_is_refused_as_one_and_told_why(client: Client, cast: Cast) -> None:
    plain = client.company("Plain")
    made = calls(
        client, cast, {**{kind: "0" for _, kind in CALLS + OPTIONAL}, "principal": plain, "distributor": plain}
    )
    for call, kind in CALLS + OPTIONAL:
        if kind in ("principal", "distributor"):
            with pytest.raises(
                psycopg.errors.CheckViolation, match=f"company {plain} is not a living {kind}"
            ) as caught:
                client.one(f"select public.{made[call]}")
            assert f"is_{kind}" in (caught.value.diag.message_hint or "")


UNFIT = [
    ("add_contact_to_organization({contact}, {principal}, p_purchase_influence => 'Huge')", "p_purchase_influence"),
    ("add_contact_to_organization({contact}, {principal}, p_decision_authority => 'None')", "p_decision_authority"),
    ("add_principal_advocacy({contact}, {principal}, 11)", "p_advocacy_strength is no number from 1 to 10"),
    ("add_principal_advocacy({contact}, {principal}, p_relationship_type => 'odd')", "p_relationship_type"),
    ("create_opportunity_with_participants({customer}, ' ')", "p_name is blank"),
    ("create_opportunity_with_participants({customer}, 'B', p_stage => null)", "p_stage is missing"),
    ("log_engagement({contact}, null)", "p_type is missing"),
    ("log_engagement({contact}, p_duration_minutes => -1)", "p_duration_minutes is negative"),
    ("log_interaction({opportunity}, p_sentiment => 'wild')", "p_sentiment is none of the words"),
    ("get_activity_timeline({contact}, {customer})", "exactly one|is that of one contact"),
    ("get_activity_timeline({contact}, p_limit => 0)", "p_limit is no number from 1 to 10000"),
    ("add_product({principal}, '')", "p_name is blank"),
    ("add_product({principal}, 'P', p_unit_price => 'NaN')", "p_unit_price is no amount"),
    ("add_product({principal}, 'P', p_unit_price => 999999999999.995)", "p_unit_price is no amount"),
    ("add_product({principal}, 'P', p_unit_cost => -0.01)", "p_unit_cost is no amount"),
    ("add_product({principal}, 'P', p_min_order_quantity => -1)", "p_min_order_quantity is no quantity"),
]


def test_an_argument_that_cannot_be_is_refused_by_its_name(client: Client, cast: Cast) -> None:
    names = {name: getattr(cast, name) for name in ("customer", "principal", "contact", "opportunity")}
    for call, told in UNFIT:
        with pytest.raises(psycopg.errors.InvalidParameterValue, match=told) as caught:
            client.one(f"select public.{call.format(**names)}")
        assert caught.value.diag.message_hint


def test_what_is_there_already_is_refused_and_named(client: Client, cast: Cast) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation, match=f"contact {cast.contact} belongs to company"):
        client.one("select public.add_contact_to_organization(%s, %s)", cast.contact, cast.customer)
    client.one("select public.add_principal_advocacy(%s, %s)", cast.contact, cast.principal)
    with pytest.raises(psycopg.errors.UniqueViolation, match=f"contact {cast.contact} champions company"):
        client.one("select public.add_principal_advocacy(%s, %s)", cast.contact, cast.principal)


def test_nobody_buys_from_himself(client: Client) -> None:
    both = client.company("Both", organization_type="partner", is_principal=True)
    with pytest.raises(psycopg.errors.CheckViolation, match=f"company {both} cannot be the customer and sell"):
        client.one("select public.create_opportunity_with_participants(%s, 'Big', %s)", both, [both])


def test_a_role_sees_and_writes_through_them_only_what_policies_allow(migrated: Migrated) -> None:
    with acting(migrated[1].admin_url) as client:
        shown, hidden = client.company("Shown"), client.company("Hidden")
        people = {company: contact(client, company) for company in (shown, hidden)}
        client.one("select public.add_contact_to_organization(%s, %s)", people[shown], hidden)
        client.do("reset role")
        client.do(f"create policy shy on public.companies as restrictive to authenticated using (id <> {hidden})")
        client.do("create policy fixed on public.companies as restrictive for update to authenticated using (false)")
        client.do("set role authenticated")
        query = "select organization_id from public.get_contact_organizations(%s)"
        assert client.rows(query, people[shown]) == [(shown,)]
        with pytest.raises(
            psycopg.errors.NoDataFound, match=f"company {hidden} does not exist, was deleted, or is not"
        ):
            client.rows("select * from public.get_organization_contacts(%s)", hidden)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=f"company {shown} is not yours to delete"):
            client.one("select public.soft_delete_company(%s)", shown)


def test_who_may_not_read_what_a_function_is_about_may_not_run_it(database: Database, catalog: Catalog) -> None:
    about = {"contacts": FUNCTIONS[:4], "companies": [FUNCTIONS[4], *FUNCTIONS[12:]]}
    about |= {"deals": FUNCTIONS[5:8], "tasks": FUNCTIONS[8:12]}
    with postgres.connect(database.url, autocommit=True) as connection:
        connection.execute("revoke select on public.contacts, public.tasks from anon")
        connection.execute("revoke select on public.deals from service_role")
        with connection.transaction():
            history.prepare(connection, catalog)
            inputs.store(
                connection, inputs.load(catalog.root / "mappings", None, options={"link_deal_contacts": False})
            )
            record = history.begin(connection, "test")
        context = Context(connection, catalog, Settings(), "test", "", record.backup_stamp, events.silent, lambda: None)
        for kind in plan.build(catalog).steps():
            kind.apply(context)
        rows = connection.execute(
            """
            select functions.proname::text, roles.name, has_function_privilege(roles.name, functions.oid, 'execute')
            from pg_catalog.pg_proc as functions
            cross join (values ('anon'), ('authenticated'), ('service_role'), ('authenticator')) as roles (name)
            where functions.pronamespace = 'public'::regnamespace and functions.proname = any (%s)
            """,
            [FUNCTIONS],
        ).fetchall()
    may = {(name, role) for name, role, allowed in rows if allowed}
    refused = {"authenticator": set(FUNCTIONS), "anon": {*about["contacts"], *about["tasks"]}}
    refused |= {"authenticated": set(), "service_role": set(about["deals"])}
    assert may == {(name, role) for role, names in refused.items() for name in FUNCTIONS if name not in names}
    with acting(database.admin_url, "anon") as anon, pytest.raises(psycopg.errors.InsufficientPrivilege):
        anon.one("select public.get_contact_organizations(1)")
