"""The rules that the simulation asks are those that PostgreSQL holds after the migration."""

from __future__ import annotations

from conftest import Database
from crm_migrate import constraints, events, history, inputs, plan, postgres
from crm_migrate.catalog import Catalog
from crm_migrate.settings import Settings
from crm_migrate.steps import Context


def test_every_rule_of_the_migrated_database_is_known_to_the_simulation(database: Database, catalog: Catalog) -> None:
    given = inputs.load(catalog.root / "mappings", None, options={"link_deal_contacts": False})
    with postgres.connect(database.url, autocommit=True) as connection:
        before = _rules(connection)
        with connection.transaction():
            history.prepare(connection, catalog)
            inputs.store(connection, given)
            record = history.begin(connection, "test")
        for kind in plan.build(catalog).steps():
            kind.apply(
                Context(connection, catalog, Settings(), "test", "", record.backup_stamp, events.silent, lambda: None)
            )
        added = {
            rule
            for rule in _rules(connection) - before
            if not rule.startswith(("opportunities_id", "migration_history"))
        }
    known = {
        rule.name
        for rules in constraints.of(catalog).values()
        for rule in rules
        if rule.kind in ("check", "foreign_key", "unique")
    }
    renamed = {"opportunities_company_id_fkey", "opportunities_sales_id_fkey"}
    assert (
        known
        == {rule for rule in added if not rule.endswith("_pkey") and not rule.startswith("opportunityNotes")} - renamed
    )


def _rules(connection: postgres.Connection) -> set[str]:
    rows = connection.execute(
        """
        select conname from pg_catalog.pg_constraint
        where connamespace = 'public'::regnamespace and contype in ('c', 'f', 'p')
        union all
        select classes.relname
        from pg_catalog.pg_index as indexes
        inner join pg_catalog.pg_class as classes on classes.oid = indexes.indexrelid
        where classes.relnamespace = 'public'::regnamespace and indexes.indisunique and not indexes.indisprimary
        """
    )
    return {row[0] for row in rows}


def test_a_rule_within_create_table_is_early_and_one_added_later_is_late(catalog: Catalog) -> None:
    rules = {rule.name: rule for rule in constraints.of(catalog)["public.activities"]}
    assert not rules["activities_about_check"].late
    assert rules["activities_contact_id_fkey"].late
    assert rules["activities_source_key"].late
    assert rules["type enumeration"].values[:2] == ("call", "email")


def test_a_column_with_a_default_is_known_to_have_one(catalog: Catalog) -> None:
    rules = {rule.name: rule for rule in constraints.of(catalog)["public.activities"]}
    assert rules["follow_up_required not null"].defaulted
    assert not rules["subject not null"].defaulted


def test_a_trigger_that_refuses_is_a_late_rule_and_one_that_follows_is_none(catalog: Catalog) -> None:
    triggers = {
        (table, rule.name): (rule.demands, rule.columns, rule.late)
        for table, rules in constraints.of(catalog).items()
        for rule in rules
        if rule.kind == "trigger"
    }
    assert triggers[("public.companies", "companies_refuse_cycle_on_insert")] == (
        "no cycle", ("parent_company_id",), True,
    )  # fmt: skip
    assert triggers[("public.products", "check_principal_organization")] == ("is_principal", ("principal_id",), True)
    assert len(triggers) == 7


def test_every_rule_says_in_words_what_is_wrong(catalog: Catalog) -> None:
    sentences = [constraints.said(rule) for rules in constraints.of(catalog).values() for rule in rules]
    assert all(len(sentence) > 10 for sentence in sentences)
    assert "principal_organization_id names a company that is no principal" in sentences
    assert "contact_id leads to no row of contacts" in sentences
