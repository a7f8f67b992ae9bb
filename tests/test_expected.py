"""What verification expects is what the plan makes, on both servers, and its questions find what a rule would stop."""

from __future__ import annotations

import pytest

from conftest import Database, Server, scratch_database
from crm_migrate import catalog as catalogs
from crm_migrate import postgres, workflow
from crm_migrate.settings import Settings
from crm_migrate.verify import expected
from make_expected import made
from other_server import OtherServer, scratch_database15

Migrated = tuple[Settings, Database]

# Rules are gone, rows that they would have stopped are in.
WRONG = """
set session_replication_role = replica;
drop index public.contact_organizations_living_pair_key;
drop index public.contact_organizations_living_primary_key;
alter table public.activities alter column activity_type drop not null;
insert into public.contact_organizations (contact_id, organization_id, is_primary_contact)
select contact_id, organization_id, is_primary_contact from public.contact_organizations order by id limit 3;
update public.activities set contact_id = 990000 where id in (select id from public.activities order by id limit 2);
update public.activities set activity_type = null where id in (select id from public.activities order by id limit 4);
create policy "For all" on public.products to anon using (true);
grant delete on public.products to public;
revoke insert on public.activities from authenticated;
drop view public.interaction_analytics;
alter table public.tags alter column color set default 'none';
drop table public.opportunity_participants cascade;
"""


def test_what_is_expected_is_what_the_plan_makes_on_the_embedded_server(server: Server) -> None:
    with scratch_database(server) as database:
        assert made(database.url) == expected.load(catalogs.default_root())


def test_what_is_expected_is_what_the_plan_makes_on_postgresql_15(supabase15: OtherServer) -> None:
    with scratch_database15(supabase15) as database:
        assert made(database.url) == expected.load(catalogs.default_root())


@pytest.mark.parametrize("is_certified", [True, False])
def test_what_is_wrong_has_a_name_whatever_the_night_certified(migrated: Migrated, is_certified: bool) -> None:
    settings, database = migrated
    if not is_certified:
        (workflow.run_folder("latest", settings) / "catalogue.json").unlink()
    with postgres.connect(database.admin_url) as admin:
        admin.execute(WRONG.encode())
    verified = workflow.verify(settings=settings)
    wrong = {check.check: check.detail for check in verified.checks if not check.ok}
    assert wrong["no key is there twice"].startswith("index contact_organizations_living_pair_key: 3 rows; ")
    assert "constraint activities.activities_contact_id_fkey: 2 rows" in wrong["no reference leads nowhere"]
    assert wrong["no required value is missing"].startswith("required columns of activities: 4 rows")
    assert wrong["policies"] == (
        "policies of opportunity_participants: 4 missing, 0 too many; policies of products: 0 missing, 1 too many"
    )
    assert wrong["rights on new objects"] == (
        "INSERT on activities of authenticated is missing; DELETE on products of public was not expected"
    )
    assert "index contact_organizations_living_pair_key is missing" in wrong["expected objects"]
    assert "column activities.activity_type is not as expected" in wrong["expected objects"]
    assert "relation interaction_analytics is missing" in wrong["expected objects"]
    assert "relation opportunity_participants is missing" in wrong["expected objects"]
    assert "column tags.color was changed" in wrong["objects of before"]
    assert verified.compared["opportunity_participants"].rows == 0
    assert ("objects and rights" in wrong) == is_certified
