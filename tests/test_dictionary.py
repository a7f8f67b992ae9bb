"""The data dictionary: everything in the target means something and came from somewhere, and a customer's words win."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import Database
from crm_migrate import catalog as catalogs
from crm_migrate import dictionary, postgres, workflow
from crm_migrate.dictionary import Dictionary, expressions
from crm_migrate.dictionary.entries import Column
from crm_migrate.errors import NoSuchRun
from crm_migrate.report import overview
from crm_migrate.settings import Settings
from nights import settings_for

Migrated = tuple[Settings, Database]


def described(database: Database, catalog: catalogs.Catalog, *statements: str) -> Dictionary:
    with postgres.connect(database.url) as connection:
        for statement in statements:
            connection.execute(statement.encode())
        connection.execute("set transaction read only")
        return dictionary.read(connection, catalog)


def column(found: Dictionary, name: str) -> Column:
    table, _, of_it = name.partition(".")
    [relation] = [relation for relation in found.relations if relation.name == table]
    [one] = [column for column in relation.columns if column.name == of_it]
    return one


def test_everything_in_the_target_means_something(migrated: Migrated, catalog: catalogs.Catalog) -> None:
    """Mend it with a `comment on` in the phase that makes it; for a view's column, in sql/meanings.toml."""
    assert " ".join(described(migrated[1], catalog).without_meaning) == ""


def test_where_a_column_came_from_is_told(migrated: Migrated, catalog: catalogs.Catalog) -> None:
    found = described(migrated[1], catalog)
    origins = {
        "opportunities.legacy_stage": ("renamed", "deals.stage"),
        "opportunityNotes.opportunity_id": ("renamed", "dealNotes.deal_id"),
        "opportunities.amount": ("legacy", ""),
        "companies.stateAbbr": ("legacy", ""),
        "tags_color_backup.backup_date": ("legacy", ""),
        "opportunities.stage": ("filled", ""),
        "opportunities.next_action": ("users", ""),
        "contact_organizations.id": ("generated", "numbered by the database"),
        "contact_organizations.purchase_influence": ("default", "'Unknown'::text"),
        "deals.stage": ("computed", "opportunities.legacy_stage"),
        "contacts_summary.company_name": ("computed", "companies.name"),
        "companies_summary.nb_deals": ("computed", "count(DISTINCT opportunities.id)"),
    }
    assert {name: (column(found, name).origin, column(found, name).source) for name in origins} == origins
    assert column(found, "opportunity_products.extended_price").origin == "generated"
    assert {relation.name: (relation.origin, relation.source) for relation in found.relations}["opportunities"] == (
        "renamed",
        "deals",
    )
    assert {relation.origin for relation in found.relations} == {"legacy", "renamed", "new"}


@pytest.mark.parametrize(
    ("name", "filled_by"),
    [
        ("opportunities.stage", [("opportunities", "coalesce(stages.stage, 'lead')")]),
        ("opportunities.original_company_id", [("opportunities", "deals.company_id")]),
        (
            "activities.contact_id",
            [
                ("activities_from_tasks", "tasks.contact_id"),
                ("activities_from_contact_notes", "contactNotes.contact_id"),
            ],
        ),
        ("products.sku", [("products", "migration.products.sku")]),
        ("companies.id", []),
    ],
)
def test_a_filled_column_names_its_models_and_their_expressions(
    name: str, filled_by: list[tuple[str, str]], migrated: Migrated, catalog: catalogs.Catalog
) -> None:
    found = column(described(migrated[1], catalog), name)
    assert [(filling.model, filling.expression) for filling in found.filled_by] == filled_by


def test_a_view_s_column_means_what_the_column_it_shows_means(migrated: Migrated, catalog: catalogs.Catalog) -> None:
    found = described(migrated[1], catalog)
    assert column(found, "deals.stage").meaning == column(found, "opportunities.legacy_stage").meaning != ""


def test_types_references_and_values_are_those_of_the_database(migrated: Migrated, catalog: catalogs.Catalog) -> None:
    found = described(migrated[1], catalog)
    company = column(found, "contacts.company_id")
    assert (company.type, company.nullable, company.references) == ("bigint", True, "companies.id")
    assert column(found, "sales.user_id").references == "auth.users.id"
    assert not column(found, "companies.name").nullable
    [stages] = [kind for kind in found.enumerations if kind.name == "opportunity_stage"]
    assert stages.values[:2] == ("lead", "qualified")
    functions = {function.name: function.origin for function in found.functions}
    assert (functions["handle_new_user"], functions["search_document"]) == ("legacy", "new")
    assert ("auth.users", "on_auth_user_created", "legacy") in {(t.table, t.name, t.origin) for t in found.triggers}


def test_a_customer_s_comment_wins_and_stays(migrated: Migrated, catalog: catalogs.Catalog) -> None:
    found = described(
        migrated[1],
        catalog,
        "comment on column public.contacts.background is E'What the boss\\n    ought to know.'",
        "comment on table public.tags is 'Our labels.'",
    )
    assert column(found, "contacts.background").meaning == "What the boss ought to know."
    assert {relation.name: relation.meaning for relation in found.relations}["tags"] == "Our labels."


def test_what_a_customer_added_is_said_to_be_theirs(migrated: Migrated, catalog: catalogs.Catalog) -> None:
    found = described(
        migrated[1],
        catalog,
        "alter table public.opportunities add column margin numeric",
        "create table public.visits (id bigint, contact_id bigint references public.contacts)",
        "create view public.odd as (select 1 as one) union (select id from public.visits order by id limit 3)",
        "create function public.mine() returns trigger language plpgsql as 'begin return new; end'",
        "create trigger mine before insert on public.contacts execute function public.mine()",
        "create type public.mood as enum ('good', 'bad')",
    )
    assert column(found, "opportunities.margin").origin == "customer"
    assert column(found, "visits.contact_id").origin == "customer"
    assert column(found, "visits.contact_id").references == "contacts.id"
    relations = {relation.name: relation.origin for relation in found.relations}
    assert (relations["visits"], relations["odd"]) == ("customer", "customer")
    assert {function.origin for function in found.functions if function.name == "mine"} == {"customer"}
    assert {kind.origin for kind in found.enumerations if kind.name == "mood"} == {"customer"}
    assert ("contacts", "mine", "before insert", "customer") in {
        (trigger.table, trigger.name, trigger.fires, trigger.origin) for trigger in found.triggers
    }
    assert found.without_meaning == ()


@pytest.mark.parametrize("query", ["", "this is no SQL (", "select", "values (1, 2)", "(select 1) union (select 2)"])
def test_a_query_that_is_not_understood_shows_nothing(query: str) -> None:
    assert expressions.shown(query) == {}


def test_a_column_is_followed_through_subqueries_and_ctes() -> None:
    query = """
        with kept as (select people.id, people.name from public.contacts as people)
        select inside.id, upper(inside.name) as loud from (select kept.id, kept.name from kept) as inside
    """
    assert expressions.shown(query) == {"id": "contacts.id", "loud": "upper(inside.name)"}


# where it is kept and shown


def test_the_night_keeps_it_and_the_command_reads_it_anew(migrated: Migrated) -> None:
    settings, database = migrated
    folder = workflow.run_folder("latest", settings)
    kept = dictionary.load(folder)
    again = workflow.dictionary(settings=settings)
    assert again == dictionary.load(folder)
    assert again.relations == kept.relations
    with postgres.connect(database.url) as connection:
        connection.execute("comment on table public.tags is 'Our labels.'")
    assert "Our labels." in {relation.meaning for relation in workflow.dictionary(settings=settings).relations}


def test_a_run_that_has_migrated_nothing_has_none(sample: Database, tmp_path: Path) -> None:
    settings = settings_for(sample, tmp_path)
    workflow.snapshot("new", settings=settings)
    with pytest.raises(NoSuchRun, match="has not migrated"):
        workflow.dictionary(settings=settings)
    with pytest.raises(NoSuchRun, match="no data dictionary"):
        dictionary.load(workflow.run_folder("latest", settings))


def test_its_page_is_made_from_the_saved_file_and_tied_into_the_index(migrated: Migrated) -> None:
    settings, database = migrated
    with postgres.connect(database.url) as connection:
        connection.execute("comment on table public.tags is '<script>alert(1)</script>'")
    found = workflow.dictionary(settings=settings)
    folder = workflow.run_folder("latest", settings)
    index = overview.write(folder).read_text(encoding="utf-8")
    assert '<a href="dictionary.html">Data dictionary</a>' in index
    page = (folder / "dictionary.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    for relation in found.relations:
        assert f">{relation.name}</a> {relation.kind}" in page
    assert "coalesce(stages.stage, &#39;lead&#39;)" in page
