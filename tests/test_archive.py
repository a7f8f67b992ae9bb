"""There, back and there again with users at work between: what they wrote stays, or is archived and comes back."""

from __future__ import annotations

from typing import Any

import pytest

from clients import acting
from conftest import Database
from crm_migrate import postgres, workflow
from crm_migrate.errors import StepFailed
from crm_migrate.settings import Settings
from nights import approved

Migrated = tuple[Settings, Database]
pytestmark = pytest.mark.usefixtures("migrated")


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with postgres.connect(database.url) as owner:
        return owner.execute(query.encode()).fetchall()


def written(database: Database) -> dict[str, int]:
    """A bit of everything, as users of the new system do it."""
    with acting(database.admin_url) as user:
        contact, other = (
            id_
            for (id_,) in user.rows("select id from public.contacts where company_id is not null order by id limit 2")
        )
        maker, seller = user.principal("Maker of the archive"), user.distributor("Seller of the archive")
        deal = int(
            user.one(
                """
                insert into public.opportunities (name, stage, customer_organization_id, principal_organization_id)
                select 'Nurtured', 'nurturing', company_id, %s from public.contacts where id = %s returning id
                """,
                maker,
                contact,
            )
        )
        edited = int(user.one("select min(id) from public.opportunities where stage = 'lead'"))
        user.do("update public.opportunities set stage = 'qualified', next_action = 'ring' where id = %s", edited)
        hidden = int(user.one("select max(id) from public.deals where id <> %s", deal))
        user.do("update public.opportunities set deleted_at = now() where id = %s", hidden)
        user.do("update public.contacts set department = 'Purchase' where id = %s", contact)
        user.do(
            "insert into public.contact_organizations (contact_id, organization_id, role) values (%s, %s, 'buyer')",
            contact,
            maker,
        )
        user.do(
            "update public.contact_organizations set notes = 'met' where contact_id = %s and is_primary_contact", other
        )
        user.do(
            "insert into public.contact_preferred_principals (contact_id, principal_organization_id) values (%s, %s)",
            contact,
            maker,
        )
        product = int(
            user.one(
                "insert into public.products (principal_id, name, sku) values (%s, 'Nut', 'N1') returning id", maker
            )
        )
        user.do(
            "insert into public.opportunity_products (opportunity_id, product_id, product_name, quantity, "
            "unit_price) values (%s, %s, 'Nut', 2, 3.50)",
            deal,
            product,
        )
        user.do(
            "insert into public.principal_distributor_relationships (principal_id, distributor_id) values (%s, %s)",
            maker,
            seller,
        )
        task = int(user.one("select min(id) from public.activities where source_table = 'tasks'"))
        user.do("update public.activities set outcome = 'agreed' where id = %s", task)
        user.do("insert into public.interaction_participants (activity_id, contact_id) values (%s, %s)", task, contact)
        gone = int(user.one("select max(id) from public.activities where source_table = 'tasks'"))
        user.do("delete from public.activities where id = %s", gone)
        user.do(
            "insert into public.activities (activity_type, type, subject, opportunity_id, contact_id) "
            "values ('interaction', 'call', 'Rang them', %s, %s)",
            deal,
            contact,
        )
        user.do("insert into public.contacts (first_name, company_id) values ('Newcomer', %s)", maker)
    return {"contact": contact, "other": other, "deal": deal, "edited": edited, "hidden": hidden, "maker": maker}


NEW = {
    "opportunities": """
        select id, stage, status, next_action, customer_organization_id, principal_organization_id, probability,
            deleted_at, legacy_stage, updated_at,
            (select subject from public.activities where activities.id = opportunities.founding_interaction_id)
        from public.opportunities order by id""",
    "companies": """
        select id, organization_type, is_principal, is_distributor, deleted_at from public.companies order by id""",
    "contacts": "select id, department, company_id, deleted_at from public.contacts order by id",
    "memberships": """
        select contact_id, organization_id, is_primary_contact, role, notes, relationship_start_date
        from public.contact_organizations order by 1, 2""",
    "advocates": """
        select contact_id, principal_organization_id, advocacy_strength from public.contact_preferred_principals
        order by 1, 2""",
    "participants": """
        select opportunity_id, organization_id, role, is_primary from public.opportunity_participants
        order by 1, 2, 3""",
    "lines": """
        select lines.opportunity_id, products.name, lines.quantity, lines.final_price
        from public.opportunity_products as lines
        inner join public.products as products on products.id = lines.product_id
        order by 1, 2, 3, 4""",
    "relationships": """
        select principal_id, distributor_id, relationship_status
        from public.principal_distributor_relationships order by 1, 2""",
    "activities": """
        select source_table, source_id, subject, outcome, contact_id, opportunity_id from public.activities
        order by 1, 2, 3, 4, 5, 6""",
    "interaction participants": """
        select activities.source_id, people.contact_id from public.interaction_participants as people
        inner join public.activities as activities on activities.id = people.activity_id order by 1, 2""",
}


def test_what_users_wrote_is_back_when_the_migration_runs_again(migrated: Migrated) -> None:
    settings, database = migrated
    written(database)
    before = {name: rows(database, query) for name, query in NEW.items()}
    workflow.revert(confirm=database.name, settings=settings)
    assert rows(database, "select to_regclass('public.opportunities')") == [(None,)]
    approved(settings)
    workflow.execute(confirm=database.name, settings=settings)
    assert rows(database, "select relation, reason from migration_archive.rows where reason is not null") == []
    for name, query in NEW.items():
        assert rows(database, query) == before[name], name


def test_what_a_session_that_may_not_be_ended_has_yet_to_commit_is_archived(migrated: Migrated) -> None:
    settings, database = migrated
    hurried = settings.model_copy(update={"grace_seconds": 0, "lock_timeout_ms": 300, "retries": 0})
    with postgres.connect(database.admin_url) as superuser:
        superuser.execute("set role authenticated")
        superuser.execute("update public.opportunities set next_action = 'ring' where id = 1")
        with pytest.raises(StepFailed, match="archive:changes"):
            workflow.revert(confirm=database.name, settings=hurried)
        assert rows(database, "select relation from migration_archive.rows") == []
        superuser.commit()
    workflow.revert(confirm=database.name, settings=settings)
    assert rows(database, "select relation, key, \"row\" ->> 'next_action' from migration_archive.rows") == [
        ("opportunities", 1, "ring")
    ]
