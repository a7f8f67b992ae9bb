"""The schema of sql/source/ is the one that source-schema.md describes."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors as pg

from conftest import Database
from crm_migrate import postgres
from crm_migrate.postgres import SOURCE_TABLES, Connection

COLUMNS = {
    "companies": "id bigint, created_at timestamp with time zone, name text, sector text, size smallint, "
    "linkedin_url text, website text, phone_number text, address text, zipcode text, city text, stateAbbr text, "
    "sales_id bigint, context_links json, country text, description text, revenue text, tax_identifier text, "
    "logo jsonb",
    "contacts": "id bigint, first_name text, last_name text, gender text, title text, background text, avatar jsonb, "
    "first_seen timestamp with time zone, last_seen timestamp with time zone, has_newsletter boolean, status text, "
    "tags bigint[], company_id bigint, sales_id bigint, linkedin_url text, email_jsonb jsonb, phone_jsonb jsonb",
    "contactNotes": "id bigint, contact_id bigint, text text, date timestamp with time zone, sales_id bigint, "
    "status text, attachments jsonb[]",
    "dealNotes": "id bigint, deal_id bigint, type text, text text, date timestamp with time zone, sales_id bigint, "
    "attachments jsonb[]",
    "deals": "id bigint, name text, company_id bigint, contact_ids bigint[], category text, stage text, "
    "description text, amount bigint, created_at timestamp with time zone, updated_at timestamp with time zone, "
    "archived_at timestamp with time zone, expected_closing_date timestamp with time zone, sales_id bigint, "
    "index smallint",
    "sales": "id bigint, first_name text, last_name text, email text, administrator boolean, user_id uuid, "
    "avatar jsonb, disabled boolean",
    "tags": "id bigint, name text, color text",
    "tasks": "id bigint, contact_id bigint, type text, text text, due_date timestamp with time zone, "
    "done_date timestamp with time zone, sales_id bigint",
    "tags_color_backup": "id bigint, name text, color text, backup_date timestamp with time zone",
}

NOT_NULL = {
    "companies": "id, created_at, name",
    "contacts": "id",
    "contactNotes": "id, contact_id",
    "dealNotes": "id, deal_id",
    "deals": "id, name, stage, created_at, updated_at",
    "sales": "id, first_name, last_name, email, administrator, user_id, disabled",
    "tags": "id, name, color",
    "tasks": "id, contact_id, due_date",
}

VIEWS = {
    "companies_summary": f"{COLUMNS['companies']}, nb_deals bigint, nb_contacts bigint",
    "contacts_summary": "id bigint, first_name text, last_name text, gender text, title text, email_jsonb jsonb, "
    "email_fts text, phone_jsonb jsonb, phone_fts text, background text, avatar jsonb, "
    "first_seen timestamp with time zone, last_seen timestamp with time zone, has_newsletter boolean, status text, "
    "tags bigint[], company_id bigint, sales_id bigint, linkedin_url text, company_name text, nb_tasks bigint",
    "init_state": "is_initialized bigint",
}

CASCADE, NOTHING = ("c", "c"), ("a", "a")
FOREIGN_KEYS = {
    "companies_sales_id_fkey": ("companies", "sales", NOTHING),
    "contacts_company_id_fkey": ("contacts", "companies", CASCADE),
    "contacts_sales_id_fkey": ("contacts", "sales", NOTHING),
    "contactNotes_contact_id_fkey": ('"contactNotes"', "contacts", CASCADE),
    "contactNotes_sales_id_fkey": ('"contactNotes"', "sales", CASCADE),
    "deals_company_id_fkey": ("deals", "companies", CASCADE),
    "deals_sales_id_fkey": ("deals", "sales", NOTHING),
    "dealNotes_deal_id_fkey": ('"dealNotes"', "deals", CASCADE),
    "dealNotes_sales_id_fkey": ('"dealNotes"', "sales", NOTHING),
    "tasks_contact_id_fkey": ("tasks", "contacts", CASCADE),
    "sales_user_id_fkey": ("sales", "auth.users", NOTHING),
}

READ, INSERT = "Enable read access for authenticated users", "Enable insert for authenticated users only"
UPDATE, DELETE = "Enable update for authenticated users only", "Enable delete for authenticated users only"
POLICIES = {
    "companies": {READ: "r", INSERT: "a", UPDATE: "w+", "Company Delete Policy": "d"},
    "contacts": {READ: "r", INSERT: "a", UPDATE: "w+", "Contact Delete Policy": "d"},
    "contactNotes": {
        READ: "r",
        INSERT: "a",
        "Contact Notes Update policy": "w",
        "Contact Notes Delete Policy": "d",
    },
    "dealNotes": {READ: "r", INSERT: "a", "Deal Notes Update Policy": "w", "Deal Notes Delete Policy": "d"},
    "deals": {READ: "r", INSERT: "a", UPDATE: "w+", "Deals Delete Policy": "d"},
    "sales": {READ: "r"},
    "tags": {READ: "r", INSERT: "a", UPDATE: "w", DELETE: "d"},
    "tasks": {READ: "r", INSERT: "a", "Task Update Policy": "w", "Task Delete Policy": "d"},
    "objects": {"Attachments 1mt4rzk_0": "r", "Attachments 1mt4rzk_1": "a", "Attachments 1mt4rzk_3": "d"},
}


def described(connection: Connection, relation: str) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in postgres.columns(connection, f"public.{relation}").items())


def sign_up(connection: Connection, email: str, names: str) -> None:
    connection.execute("insert into auth.users (email, raw_user_meta_data) values (%s, %s)", [email, names])


def test_the_owner_sees_an_atomic_crm_and_is_no_superuser(database: Database) -> None:
    with postgres.connect(database.url) as connection:
        assert not postgres.require_atomic_crm(connection).superuser
        owner = "select rolbypassrls, rolcreaterole, rolcreatedb from pg_catalog.pg_roles where rolname = current_user"
        assert connection.execute(owner).fetchone() == (False, False, False)


@pytest.mark.parametrize("table", COLUMNS)
def test_a_table_has_the_columns_in_their_order(database: Database, table: str) -> None:
    with postgres.connect(database.url) as connection:
        assert described(connection, table) == COLUMNS[table]


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_the_columns_in_their_order(database: Database, view: str) -> None:
    with postgres.connect(database.url) as connection:
        assert described(connection, view) == VIEWS[view]


def test_columns_are_not_null_where_the_source_says_so(database: Database) -> None:
    with postgres.connect(database.url) as connection:
        rows = connection.execute(
            """
            select classes.relname, string_agg(attributes.attname, ', ' order by attributes.attnum)
            from pg_catalog.pg_class as classes
            inner join pg_catalog.pg_attribute as attributes on attributes.attrelid = classes.oid
            where classes.relnamespace = 'public'::regnamespace and classes.relkind = 'r'
                and attributes.attnum > 0 and attributes.attnotnull
            group by classes.relname
            """
        ).fetchall()
    assert dict(rows) == NOT_NULL


def test_contacts_has_holes_where_six_columns_went(database: Database) -> None:
    with postgres.connect(database.url) as connection:
        rows = connection.execute(
            "select attnum from pg_catalog.pg_attribute where attrelid = 'public.contacts'::regclass and attisdropped "
            "order by attnum"
        ).fetchall()
    assert [number for (number,) in rows] == [6, 7, 8, 9, 10, 12]


def test_every_id_is_an_identity_by_default_with_its_own_sequence(database: Database) -> None:
    with postgres.connect(database.url) as connection:
        rows = connection.execute(
            """
            select classes.relname, pg_get_serial_sequence(format('public.%I', classes.relname), 'id')
            from pg_catalog.pg_class as classes
            inner join pg_catalog.pg_attribute as attributes on attributes.attrelid = classes.oid
            where classes.relnamespace = 'public'::regnamespace and classes.relkind = 'r'
                and attributes.attname = 'id' and attributes.attidentity = 'd'
            """
        ).fetchall()
    named = {table: f"{table}_id_seq" for table in SOURCE_TABLES}
    quoted = {table: f'"{name}"' if name != name.lower() else name for table, name in named.items()}
    assert dict(rows) == {table: f"public.{name}" for table, name in quoted.items()}


def test_foreign_keys_have_their_names_and_actions_and_are_validated(database: Database) -> None:
    with postgres.connect(database.url) as connection:
        connection.execute("set search_path = public")
        rows = connection.execute(
            """
            select conname, conrelid::regclass::text, confrelid::regclass::text, confupdtype::text, confdeltype::text
            from pg_catalog.pg_constraint
            where contype = 'f' and connamespace = 'public'::regnamespace and convalidated and not condeferrable
            """
        ).fetchall()
    found = {name: (table, target, (update, delete)) for name, table, target, update, delete in rows}
    assert found == FOREIGN_KEYS


def test_only_primary_keys_and_one_unique_key_are_indexed(database: Database) -> None:
    with postgres.connect(database.url) as connection:
        rows = connection.execute("select indexname from pg_catalog.pg_indexes where schemaname = 'public'").fetchall()
    assert {name for (name,) in rows} == {*(f"{table}_pkey" for table in SOURCE_TABLES), "uq__sales__user_id"}


def test_policies_have_the_names_commands_and_expressions_of_the_source(database: Database) -> None:
    with postgres.connect(database.url) as connection:
        rows = connection.execute(
            """
            select
                classes.relname, policies.polname,
                policies.polcmd::text || case when policies.polcmd = 'w' and policies.polwithcheck is not null
                    then '+' else '' end,
                policies.polpermissive, policies.polroles::regrole[]::text,
                coalesce(
                    pg_get_expr(policies.polqual, policies.polrelid),
                    pg_get_expr(policies.polwithcheck, policies.polrelid)
                )
            from pg_catalog.pg_policy as policies
            inner join pg_catalog.pg_class as classes on classes.oid = policies.polrelid
            """
        ).fetchall()
    found: dict[str, dict[str, str]] = {}
    for table, name, command, *_ in rows:
        found.setdefault(table, {})[name] = command
    assert found == POLICIES
    assert {(permissive, roles) for *_, permissive, roles, _ in rows} == {(True, "{authenticated}")}
    assert {text for table, *_, text in rows if table != "objects"} == {"true"}
    assert {text for table, *_, text in rows if table == "objects"} == {"(bucket_id = 'attachments'::text)"}


def test_row_level_security_is_on_for_eight_tables_and_never_forced(database: Database) -> None:
    with postgres.connect(database.url) as connection:
        rows = connection.execute(
            "select relname, relforcerowsecurity from pg_catalog.pg_class "
            "where relnamespace = 'public'::regnamespace and relrowsecurity"
        ).fetchall()
    assert dict(rows) == dict.fromkeys(SOURCE_TABLES, False)


def test_the_three_views_run_under_three_different_settings(database: Database) -> None:
    with postgres.connect(database.url) as connection:
        rows = connection.execute(
            "select relname, reloptions from pg_catalog.pg_class "
            "where relnamespace = 'public'::regnamespace and relkind = 'v'"
        ).fetchall()
    assert dict(rows) == {
        "companies_summary": ["security_invoker=on"],
        "contacts_summary": None,
        "init_state": ["security_invoker=off"],
    }


@pytest.mark.parametrize("role", postgres.API_ROLES)
def test_supabase_lets_every_api_role_at_every_relation(database: Database, role: str) -> None:
    with postgres.connect(database.url) as connection:
        rows = connection.execute(
            """
            select classes.relname
            from pg_catalog.pg_class as classes
            cross join unnest(
                array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']
            ) as needed
            where classes.relnamespace = 'public'::regnamespace and classes.relkind in ('r', 'v')
                and not has_table_privilege(%s, classes.oid, needed)
            """,
            [role],
        ).fetchall()
    assert rows == []


def test_default_privileges_cover_what_comes_later(database: Database) -> None:
    with postgres.connect(database.url) as connection:
        connection.execute("create table public.later (id bigint generated by default as identity)")
        row = connection.execute(
            "select has_table_privilege('anon', 'public.later', 'insert'), "
            "has_sequence_privilege('authenticated', 'public.later_id_seq', 'usage')"
        ).fetchone()
    assert row == (True, True)


def test_anon_sees_no_contact_without_any_error_but_all_through_the_summary(sample: Database) -> None:
    with postgres.connect(sample.url) as connection:
        connection.execute("set role anon")
        assert connection.execute("select count(*) from public.contacts").fetchone() == (0,)
        assert connection.execute("select count(*) from public.contacts_summary").fetchone() == (300,)


def test_anon_may_empty_the_backup_of_the_tag_colours(sample: Database) -> None:
    with postgres.connect(sample.url) as connection:
        connection.execute("set role anon")
        assert connection.execute("delete from public.tags_color_backup").rowcount == 16


def test_an_authenticated_user_reads_and_writes_but_makes_no_sales_row(sample: Database) -> None:
    with postgres.connect(sample.url) as connection:
        connection.execute("set role authenticated")
        assert connection.execute("update public.contacts set title = 'Head of all' where id <= 5").rowcount == 5
        with pytest.raises(pg.InsufficientPrivilege):
            connection.execute(
                "insert into public.sales (first_name, last_name, email, administrator, user_id) "
                "values ('A', 'B', 'a@example.com', true, gen_random_uuid())"
            )


def test_the_first_to_sign_up_is_the_administrator(database: Database) -> None:
    with postgres.connect(database.url) as connection:
        for email in ("one@example.com", "two@example.com"):
            sign_up(connection, email, '{"first_name": "Ada", "last_name": "One"}')
        rows = connection.execute(
            "select sales.email, sales.administrator, sales.user_id = users.id from public.sales "
            "inner join auth.users on users.email = sales.email order by sales.id"
        ).fetchall()
    assert rows == [("one@example.com", True, True), ("two@example.com", False, True)]


def test_changing_a_user_changes_the_sales_row(database: Database) -> None:
    with postgres.connect(database.url) as connection:
        sign_up(connection, "one@example.com", '{"first_name": "Ada", "last_name": "One"}')
        connection.execute(
            "update auth.users set email = 'new@example.com', "
            """raw_user_meta_data = '{"first_name": "Eve", "last_name": "Two"}'"""
        )
        row = connection.execute("select first_name, last_name, email from public.sales").fetchone()
    assert row == ("Eve", "Two", "new@example.com")


def test_a_sign_up_without_names_is_aborted(database: Database) -> None:
    with postgres.connect(database.url) as connection, pytest.raises(pg.NotNullViolation):
        sign_up(connection, "one@example.com", "{}")


def test_a_tag_of_an_unknown_colour_is_refused(database: Database) -> None:
    with postgres.connect(database.url) as connection, pytest.raises(pg.CheckViolation, match="valid_tag_colors"):
        connection.execute("insert into public.tags (name, color) values ('VIP', '#ff0000')")


def test_the_summary_counts_tasks_that_are_done_and_lists_addresses_as_text(database: Database) -> None:
    with postgres.connect(database.url) as connection:
        connection.execute(
            """
            insert into public.contacts (id, email_jsonb)
            values (0, '[{"email": "a@b.example"}, {"email": "c@d.example"}]');
            insert into public.tasks (contact_id, due_date, done_date) values (0, now(), now()), (0, now(), null);
            """
        )
        row = connection.execute("select nb_tasks, email_fts, phone_fts from public.contacts_summary").fetchone()
    assert row == (2, '["a@b.example", "c@d.example"]', None)


def test_the_company_summary_counts_each_deal_and_contact_once(database: Database) -> None:
    with postgres.connect(database.url) as connection:
        connection.execute(
            """
            insert into public.companies (id, name) values (0, 'Zero');
            insert into public.contacts (id, company_id) values (0, 0), (1, 0), (2, 0);
            insert into public.deals (name, stage, company_id) values ('a', 'won', 0), ('b', 'won', 0);
            """
        )
        row = connection.execute("select nb_deals, nb_contacts from public.companies_summary").fetchone()
    assert row == (2, 3)


def test_init_state_turns_from_0_to_1_with_the_first_user(database: Database) -> None:
    with psycopg.connect(database.url) as connection:
        assert connection.execute("select is_initialized from public.init_state").fetchone() == (0,)
        sign_up(connection, "one@example.com", '{"first_name": "Ada", "last_name": "One"}')
        sign_up(connection, "two@example.com", '{"first_name": "Eve", "last_name": "Two"}')
        assert connection.execute("select is_initialized from public.init_state").fetchone() == (1,)


def test_the_user_of_a_request_comes_from_its_claims(database: Database) -> None:
    user = "0b7d27a2-6d3e-4f1c-9c3d-0123456789ab"
    with postgres.connect(database.url) as connection:
        assert connection.execute("select auth.uid()").fetchone() == (None,)
        connection.execute("select set_config('request.jwt.claims', %s, true)", [f'{{"sub": "{user}"}}'])
        assert connection.execute("select auth.uid()::text").fetchone() == (user,)


def test_what_supabase_brings_is_there(database: Database) -> None:
    with postgres.connect(database.url) as connection:
        bucket = connection.execute("select id, public from storage.buckets").fetchall()
        private = connection.execute(
            "select count(*) from pg_catalog.pg_class where relnamespace = 'private'::regnamespace"
        ).fetchone()
    assert (bucket, private) == ([("attachments", True)], (0,))
