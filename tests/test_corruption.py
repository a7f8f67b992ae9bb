"""Seeded corruption: 200 things go wrong in a migrated database, and verification names each of them (issue 6)."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import polars as pl
import pytest
from psycopg import sql

from conftest import Database
from crm_migrate import postgres, workflow
from crm_migrate.postgres import Connection
from crm_migrate.settings import Settings
from crm_migrate.verify import LEGACY, Verification

Migrated = tuple[Settings, Database]
ROWS, OBJECTS = 26, 14  # of each a seed; five seeds

# Target → a value, a NULL and a reference of it that can go wrong.
FIELDS = {
    "companies": ("segment", "priority", "organization_type"),
    "contacts": ("last_name", "title", "company_id_backup"),
    "opportunities": ("probability", "stage", "original_company_id"),
    "contact_organizations": ("is_primary_contact", "relationship_start_date", "organization_id"),
    "opportunity_participants": ("is_primary", "created_by", "organization_id"),
    "activities": ("subject", "activity_date", "contact_id"),
}
OF_OLD = {"companies": "companies", "contacts": "contacts", "opportunities": "deals"}
VALUES = {
    "segment": "'Wrong'",
    "last_name": "'Wrong'",
    "probability": "probability - 1",
    "is_primary_contact": "not is_primary_contact",
    "is_primary": "not is_primary",
    "subject": "subject || ' '",
}
NULLABLE = {
    "contacts": "title",
    "contact_organizations": "relationship_start_date",
    "activities": "activity_date",
    "opportunities": "estimated_close_date",
}


@pytest.fixture
def admin(migrated: Migrated) -> Iterator[Connection]:
    with postgres.connect(migrated[1].admin_url, autocommit=True) as connection:
        yield connection


def verified(migrated: Migrated) -> Verification:
    return workflow.verify(settings=migrated[0])


def failures(found: Verification) -> dict[str, str]:
    return {check.check: check.detail for check in found.checks if not check.ok}


def saved_ids(settings: Settings, table: str) -> set[int]:
    """Ids of the rows that verification saved as differing, by the new name or the old one."""
    folder = workflow.run_folder("latest", settings) / "differing"
    files = (folder / f"{table}.parquet", folder / f"{OF_OLD[table]}{LEGACY}.parquet")
    return {key for file in files if file.exists() for key in pl.read_parquet(file, columns=["id"])["id"]}


def test_there_is_no_false_alarm_on_an_untouched_database(migrated: Migrated) -> None:
    found = verified(migrated)
    assert failures(found) == {}
    assert found.ok


def test_what_users_write_since_is_no_fault_and_is_counted(migrated: Migrated, admin: Connection) -> None:
    with admin.transaction():
        admin.execute("set local role authenticated")
        admin.execute("update public.contacts set last_name = 'Newer' where id % 3 = 0")
        admin.execute("delete from public.tasks where id % 4 = 0")
        admin.execute("delete from public.activities where source_table = 'contactNotes' and source_id % 2 = 0")
        admin.execute("insert into public.deals (name, stage, amount) values ('New', 'won', 5)")
        admin.execute("update public.deals set stage = 'lost' where id % 5 = 0")
        admin.execute(
            "update public.contact_organizations set organization_id = (select max(id) from public.companies) "
            "where id = (select max(id) from public.contact_organizations)"
        )
        admin.execute("update public.contacts set company_id = (select min(id) from public.companies) where id % 7 = 0")
    found = verified(migrated)
    assert failures(found) == {}
    assert found.ok
    assert all(found.compared[name].written_since for name in ("contacts", "activities", "opportunities"))


def test_what_the_owner_writes_by_hand_is_a_fault(migrated: Migrated) -> None:
    with postgres.connect(migrated[1].url) as owner:
        owner.execute("update public.contacts set title = 'By hand' where id = (select min(id) from public.contacts)")
    assert verified(migrated).compared["contacts" + LEGACY].differing == 1


def test_an_id_that_a_user_chose_is_no_fault_of_a_sequence_but_one_that_was_set_back_is(
    migrated: Migrated, admin: Connection
) -> None:
    with admin.transaction():
        admin.execute("set local role authenticated")
        admin.execute("insert into public.contacts (id, first_name) values (9223372036854775806, 'At the end')")
        admin.execute("insert into public.opportunities (id, name) values (9223372036854775807, 'The last one')")
    assert failures(verified(migrated)) == {}
    admin.execute("select setval('public.contacts_id_seq', 1)")
    assert failures(verified(migrated)) == {"sequences": "behind the ids of their tables: contacts_id_seq"}


def test_a_table_that_a_crash_would_empty_is_named(migrated: Migrated, admin: Connection) -> None:
    admin.execute("alter table public.interaction_participants set unlogged")
    assert "relation interaction_participants was changed" in failures(verified(migrated))["objects and rights"]


def test_a_view_of_the_migration_that_fails_is_named_and_one_of_a_customer_is_not(
    migrated: Migrated, admin: Connection
) -> None:
    admin.execute(
        "create function public.fails() returns boolean language plpgsql stable "
        "as 'begin return (select from public.no); end'"
    )
    admin.execute("create view public.theirs as select public.fails(); grant select on public.theirs to anon")
    row = admin.execute("select pg_get_viewdef('public.engagement_analytics')").fetchone()
    assert row is not None
    admin.execute(
        "create or replace view public.engagement_analytics with (security_invoker = on) as "
        f"select made.* from ({row[0].rstrip(';')}) as made where public.fails()".encode()
    )
    said = failures(verified(migrated))["views and functions work"]
    assert said == "engagement_analytics as anon: UndefinedTable"


def test_a_lost_right_has_a_name_also_where_a_table_of_before_refuses_the_role(
    migrated: Migrated, admin: Connection
) -> None:
    admin.execute("revoke select on public.activities from anon")
    found = failures(verified(migrated))
    assert "contacts_summary as anon: InsufficientPrivilege" in found["views and functions work"]
    assert found["rights on new objects"] == "SELECT on activities of anon is missing"
    admin.execute("revoke select on public.tags from anon")
    found = failures(verified(migrated))
    assert "views and functions work" not in found
    assert found["rights on new objects"] == "SELECT on activities of anon is missing"


@pytest.mark.parametrize("seed", range(5))
def test_every_one_of_forty_random_corruptions_is_named(migrated: Migrated, admin: Connection, seed: int) -> None:
    chance = random.Random(seed)
    used: set[tuple[str, int]] = set()
    rows = [corrupt_row(admin, chance, used) for _ in range(ROWS)]
    chosen = chance.sample(sorted(objects(admin)), OBJECTS)
    for _, statement, _ in chosen:
        admin.execute(statement.encode())
    found = verified(migrated)
    assert not found.ok
    assert [row for row in rows if row[0] in OF_OLD and row[1] not in saved_ids(migrated[0], row[0])] == []
    by_table = Counter(table for table, _ in rows if table not in OF_OLD)
    assert [table for table, number in by_table.items() if found.compared[table].differing < number] == []
    wrong = failures(found)
    said = " ".join(wrong.values())
    assert [name for name, _, name_said in chosen if name_said not in said] == []


def corrupt_row(connection: Connection, chance: random.Random, used: set[tuple[str, int]]) -> tuple[str, int]:
    """Make one row wrong that none was made wrong before, behind every rule's back; returns its table and id."""
    table = chance.choice(sorted(FIELDS))
    relation = sql.Identifier("public", table)
    column, _, reference = FIELDS[table]
    kinds = ["value", "missing", "duplicate", *(["null"] if table in NULLABLE else [])]
    if reference.endswith(("_id", "_backup")):
        kinds.append("reference")
    kind = chance.choice(kinds)
    where = sql.SQL("{} is not null").format(sql.Identifier(NULLABLE[table] if kind == "null" else reference))
    query = sql.SQL("select id from {} where {} order by id").format(relation, where)
    ids = [row[0] for row in connection.execute(query) if (table, row[0]) not in used]
    number = chance.choice(ids)
    key = sql.Literal(number)
    used |= {(table, number), (table, number + 900_000)}
    with connection.transaction():
        connection.execute("set local session_replication_role = replica")
        if kind == "missing":
            connection.execute(sql.SQL("delete from {} where id = {}").format(relation, key))
        elif kind == "duplicate":
            duplicate(connection, table, key)
        else:
            changed = {
                "value": (column, sql.SQL(VALUES.get(column, "null"))),
                "null": (NULLABLE.get(table, ""), sql.SQL("null")),
                "reference": (reference, sql.SQL("{} + 1").format(sql.Identifier(reference))),
            }[kind]
            connection.execute(
                sql.SQL("update {} set {} = {} where id = {}").format(
                    relation, sql.Identifier(changed[0]), changed[1], key
                )
            )
    return table, number + (900_000 if kind == "duplicate" else 0)


def duplicate(connection: Connection, table: str, key: sql.Literal) -> None:
    """The same row once more, under another id and outside of whatever is unique."""
    kinds = postgres.columns(connection, f"public.{table}")
    generated = {
        row[0]
        for row in connection.execute(
            "select attname from pg_catalog.pg_attribute where attrelid = %s::regclass and attgenerated <> ''",
            [f"public.{table}"],
        )
    }
    shifted = {"source_id": sql.SQL("source_id + 900000"), "deleted_at": sql.SQL("now()"), "id": sql.SQL("id + 900000")}
    columns = [name for name in kinds if name not in generated]
    connection.execute(
        sql.SQL("insert into {0} ({1}) select {2} from {0} where id = {3}").format(
            sql.Identifier("public", table),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join(shifted.get(name, sql.Identifier(name)) for name in columns),
            key,
        )
    )


def objects(connection: Connection) -> Iterator[tuple[str, str, str]]:
    """Objects and rights that can go wrong: (what, statement, the name that verification has to say)."""
    for table, name in connection.execute(
        "select tablename::text, policyname::text from pg_catalog.pg_policies where schemaname = 'public'"
    ):
        quoted = f'"{name}" on public."{table}"'
        said = connection.execute("select format('policy %%I.%%I', %s::text, %s::text)", [table, name]).fetchone()
        assert said is not None
        yield f"lost policy {quoted}", f"drop policy {quoted}", f"{said[0]} is missing"
    for (table,) in connection.execute(
        "select relname::text from pg_catalog.pg_class "
        "where relnamespace = 'public'::regnamespace and relkind = 'r' and relrowsecurity and relname !~ 'migration_'"
    ):
        yield (
            f"RLS off {table}",
            f'alter table public."{table}" disable row level security',
            f"relation {named(table)} ",
        )
        yield (
            f"added policy {table}",
            f'create policy "Let in" on public."{table}" to anon using (true)',
            f'policy {named(table)}."Let in" was added',
        )
        yield (
            f"revoked grant {table}",
            f'revoke delete on public."{table}" from authenticated',
            f"right DELETE on public.{named(table)} of authenticated is missing",
        )
    for (index,) in connection.execute(
        "select classes.relname::text from pg_catalog.pg_index as indexes "
        "inner join pg_catalog.pg_class as classes on classes.oid = indexes.indexrelid "
        "where classes.relnamespace = 'public'::regnamespace and not exists ("
        "select from pg_catalog.pg_constraint where conindid = classes.oid) and classes.relname !~ 'migration_'"
    ):
        yield f"dropped index {index}", f'drop index public."{index}"', f"index {named(index)} is missing"
    for (view,) in connection.execute(
        "select relname::text from pg_catalog.pg_class where relnamespace = 'public'::regnamespace and relkind = 'v' "
        "and reloptions @> array['security_invoker=on'] and relname !~ 'migration_'"
    ):
        statement = f'alter view public."{view}" set (security_invoker = off)'
        yield f"owner view {view}", statement, f"relation {named(view)} was changed"
    for table, name in connection.execute(
        "select classes.relname::text, tgname::text from pg_catalog.pg_trigger "
        "inner join pg_catalog.pg_class as classes on classes.oid = tgrelid where not tgisinternal "
        "and relnamespace = 'public'::regnamespace and relkind = 'r' and relname !~ 'migration_'"
    ):
        said_trigger = f"trigger public.{named(table)}.{name}"
        yield (
            f"disabled trigger {table} {name}",
            f'alter table public."{table}" disable trigger {name}',
            f"{said_trigger} was changed",
        )
    yield (
        "dropped default",
        "alter table public.companies alter column segment drop default",
        "column companies.segment was changed",
    )
    yield (
        "type changed",
        "alter table public.activities alter column duration_minutes type bigint",
        "column activities.duration_minutes was changed",
    )
    for table in ("contacts", "opportunities", "activities"):
        yield f"sequence set back {table}", f"select setval('public.{table}_id_seq', 1)", f"{table}_id_seq"
    for name, text in connection.execute(
        "select oid::regprocedure::text, pg_get_functiondef(oid) from pg_catalog.pg_proc "
        "where pronamespace = 'public'::regnamespace and proname in ('add_product', 'get_activity_timeline')"
    ):
        statement = text.rstrip().removesuffix("$function$") + " -- changed\n$function$"
        yield f"changed body {name}", statement, name.split("(")[0]


def named(name: str) -> str:
    return name if name.islower() else f'"{name}"'
