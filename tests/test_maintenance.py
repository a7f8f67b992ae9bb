"""While the window is closed only the owner writes; opened, everybody may do exactly what they might before (C8)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from psycopg import errors as pg
from psycopg import sql

from conftest import Database
from crm_migrate import catalog as catalogs
from crm_migrate import history, maintenance, postgres
from crm_migrate.errors import Refused
from crm_migrate.events import Event, silent

Connection = psycopg.Connection[Any]
Acl = set[tuple[Any, ...]]


@pytest.fixture
def owner(database: Database, catalog: catalogs.Catalog) -> Iterator[Connection]:
    """The owner's session, with the state tables in place."""
    with postgres.connect(database.url, autocommit=True) as connection:
        with connection.transaction():
            connection.execute("set local client_min_messages = warning")
            for script in catalog.state:
                connection.execute(script.encode())
        yield connection


@pytest.fixture
def admin(database: Database) -> Iterator[Connection]:
    with postgres.connect(database.admin_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def attempt(admin: Connection) -> Callable[..., str]:
    """Runs a statement as a role, rolls it back, and gives the error's class name, or "done"."""

    def run(role: str, statement: str) -> str:
        try:
            with admin.transaction(force_rollback=True):
                admin.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
                admin.execute(statement.encode())
        except psycopg.Error as error:
            return type(error).__name__
        return "done"

    return run


def acls(connection: Connection) -> Acl:
    """Every privilege on relations and columns of schema public as PostgreSQL understands it."""
    return set(
        connection.execute(
            """
            select classes.relname, '', privileges.*
            from pg_class as classes
            cross join lateral aclexplode(
                coalesce(
                    classes.relacl,
                    acldefault(case classes.relkind when 'S' then 's' else 'r' end::"char", classes.relowner)
                )
            ) as privileges
            where classes.relnamespace = 'public'::regnamespace
            union all
            select classes.relname, attributes.attname, privileges.*
            from pg_class as classes
            inner join pg_attribute as attributes on attributes.attrelid = classes.oid
            cross join lateral aclexplode(attributes.attacl) as privileges
            where classes.relnamespace = 'public'::regnamespace
            union all
            select format('%s(%s)', functions.proname, functions.oid), '', privileges.*
            from pg_proc as functions
            cross join lateral aclexplode(coalesce(functions.proacl, acldefault('f', functions.proowner))) as privileges
            where functions.pronamespace <> 'pg_catalog'::regnamespace
            union all
            select namespaces.nspname, '', privileges.*
            from pg_namespace as namespaces
            cross join lateral aclexplode(
                coalesce(namespaces.nspacl, acldefault('n', namespaces.nspowner))
            ) as privileges
            union all
            select databases.datname, '', privileges.*
            from pg_database as databases
            cross join lateral aclexplode(coalesce(databases.datacl, acldefault('d', databases.datdba))) as privileges
            where databases.datname = current_database()
            union all
            select classes.oid::regclass::text, entries.name, privileges.*
            from pg_class as classes
            inner join pg_namespace as namespaces on namespaces.oid = classes.relnamespace
            cross join lateral (
                select '' as name, classes.relacl as acl
                union all
                select attname, attacl from pg_attribute where attrelid = classes.oid
            ) as entries
            cross join lateral aclexplode(entries.acl) as privileges
            where namespaces.nspname in ('auth', 'storage', 'elsewhere')
            """
        )
    )


def close(connection: Connection, said: list[Event] | None = None) -> None:
    maintenance.close(connection, grace_seconds=0, emit=silent if said is None else said.append)


WRITES = [
    "insert into public.companies (name) values ('x')",
    "update public.companies set name = name",
    "delete from public.companies",
]


@pytest.mark.parametrize("role", ["authenticated", "service_role"])
@pytest.mark.parametrize("statement", WRITES)
def test_api_roles_write_before_and_after_but_not_in_a_closed_window(
    owner: Connection, attempt: Callable[..., str], role: str, statement: str
) -> None:
    assert attempt(role, statement) == "done"
    close(owner)
    assert attempt(role, statement) == "InsufficientPrivilege"
    maintenance.open_(owner)
    assert attempt(role, statement) == "done"


def test_truncate_is_refused_too(owner: Connection, attempt: Callable[..., str]) -> None:
    assert attempt("service_role", "truncate public.tags") == "done"
    close(owner)
    assert attempt("service_role", "truncate public.tags") == "InsufficientPrivilege"


def test_everybody_reads_on_in_a_closed_window(owner: Connection, attempt: Callable[..., str]) -> None:
    close(owner)
    assert attempt("authenticated", "select count(id) from public.contacts") == "done"
    assert attempt("authenticated", "select count(id) from public.contacts_summary") == "done"


def test_the_owner_writes_in_a_closed_window(owner: Connection) -> None:
    close(owner)
    owner.execute("insert into tags (name, color) values ('a', 'warm')")


def test_opening_gives_back_exactly_what_was_there(owner: Connection, admin: Connection) -> None:
    admin.execute(
        """
        grant update (name, city) on public.companies to anon with grant option;
        grant insert (name) on public.tags to public;
        grant delete on public.tags to public;
        revoke all on public.tasks from anon, authenticated;
        grant select, update on public.contacts_summary to authenticated with grant option;
        create table public."it's {odd}" ("a ""b" int);
        alter table public."it's {odd}" owner to crm_owner;
        grant insert ("a ""b") on public."it's {odd}" to authenticated;
        """
    )
    before = acls(admin)
    close(owner)
    closed = acls(admin)
    written = {"INSERT", "UPDATE", "DELETE", "TRUNCATE", "CONNECT"}
    owner_oid = admin.execute("select oid from pg_roles where rolname = 'crm_owner'").fetchone()
    assert owner_oid is not None
    kept = {entry for entry in before if entry[4] not in written or entry[3] == owner_oid[0]}
    kept = {entry for entry in kept if not ("_seq" in entry[0] and entry[4] == "USAGE" and entry[3] != owner_oid[0])}
    given = {entry for entry in closed - kept if entry[4] == "CONNECT"}
    assert closed - given == {entry for entry in kept if not entry[0].startswith("storage")} | {
        entry for entry in before if entry[0].startswith("storage")
    }
    maintenance.open_(owner)
    assert acls(admin) == before


def test_privileges_handed_on_by_a_grantee_come_back_with_their_grantor(owner: Connection, admin: Connection) -> None:
    admin.execute("grant update on public.tags to service_role with grant option")
    admin.execute("set role service_role; grant update on public.tags to authenticated, public; reset role")
    before = acls(admin)
    close(owner)
    maintenance.open_(owner)
    assert acls(admin) == before


def test_a_privilege_that_went_through_several_hands_comes_back_through_the_same(
    owner: Connection, admin: Connection
) -> None:
    owner.execute("revoke update on public.tags from anon, authenticated, service_role")
    for grantor, grantee in (
        ("crm_owner", "authenticated"),
        ("authenticated", "service_role"),
        ("crm_owner", "anon"),
        ("anon", "authenticated"),
    ):
        statement = f"set role {grantor}; grant update on public.tags to {grantee} with grant option; reset role"
        admin.execute(statement.encode())
    owner.execute("revoke update on public.tags from authenticated")  # who has it from anon still, noted behind others
    before = acls(admin)
    close(owner)
    maintenance.open_(owner)
    assert acls(admin) == before


def test_a_grantor_whom_this_role_belongs_to_and_cannot_become_refuses_the_window(
    owner: Connection, admin: Connection
) -> None:
    if owner.info.server_version < 160_000:
        pytest.skip("before PostgreSQL 16 a member can always take on the role")
    admin.execute("create role delegate_of_window; grant delegate_of_window to crm_owner with inherit true, set false")
    try:
        owner.execute("grant update on public.tags to delegate_of_window with grant option")
        admin.execute("set role delegate_of_window; grant update on public.tags to anon; reset role")
        with pytest.raises(Refused, match="granted by delegate_of_window"):
            close(owner)
        assert not maintenance.is_closed(owner)
    finally:
        admin.execute("drop owned by delegate_of_window cascade; drop role delegate_of_window")


def test_a_grant_that_nobody_here_could_give_back_refuses_the_window(owner: Connection, admin: Connection) -> None:
    admin.execute("create role outsider_of_window; grant update on public.tags to outsider_of_window with grant option")
    try:
        admin.execute("set role outsider_of_window; grant update on public.tags to anon; reset role")
        before = acls(admin)
        with pytest.raises(Refused, match="granted by outsider_of_window"):
            close(owner)
        assert acls(admin) == before
        assert not maintenance.is_closed(owner)
    finally:
        admin.execute("drop owned by outsider_of_window cascade; drop role outsider_of_window")


def test_closing_twice_forgets_nothing(owner: Connection, admin: Connection) -> None:
    before = acls(admin)
    close(owner)
    close(owner)
    maintenance.open_(owner)
    assert acls(admin) == before


def test_opening_twice_and_opening_what_was_never_closed_does_nothing(owner: Connection, admin: Connection) -> None:
    before = acls(admin)
    maintenance.open_(owner)
    close(owner)
    maintenance.open_(owner)
    maintenance.open_(owner)
    assert acls(admin) == before


def test_a_crash_while_closing_leaves_all_as_it_was(owner: Connection, admin: Connection) -> None:
    before = acls(admin)
    with pytest.raises(RuntimeError), owner.transaction():
        close(owner)
        raise RuntimeError
    assert acls(admin) == before
    assert not maintenance.is_closed(owner)


def test_it_is_closed_between_closing_and_opening(owner: Connection) -> None:
    assert not maintenance.is_closed(owner)
    close(owner)
    assert maintenance.is_closed(owner)
    maintenance.open_(owner)
    assert not maintenance.is_closed(owner)


def test_a_database_that_knows_no_migration_is_open(database: Database) -> None:
    with postgres.connect(database.url, autocommit=True) as connection:
        assert not maintenance.is_closed(connection)
        maintenance.open_(connection)


def test_privileges_follow_a_renamed_table_and_column(
    owner: Connection, admin: Connection, attempt: Callable[..., str]
) -> None:
    owner.execute("grant update (stage) on deals to anon; revoke update on deals from anon, authenticated")
    owner.execute("grant update (stage) on deals to authenticated")
    close(owner)
    owner.execute("alter table deals rename column stage to legacy_stage; alter table deals rename to opportunities")
    owner.execute("create view deals as select legacy_stage as stage from opportunities")
    maintenance.open_(owner)
    assert attempt("authenticated", "update public.opportunities set legacy_stage = 'x'") == "done"
    assert attempt("authenticated", "update public.opportunities set name = 'x'") == "InsufficientPrivilege"
    assert attempt("authenticated", "delete from public.opportunities") == "done"


def test_a_table_that_is_gone_is_passed_over(owner: Connection, admin: Connection) -> None:
    before = {entry for entry in acls(admin) if not entry[0].startswith("tasks")}
    close(owner)
    owner.execute("drop table tasks cascade; create view tasks as select 1 as a; drop view if exists contacts_summary")
    maintenance.open_(owner)
    kept = {entry for entry in acls(admin) if not entry[0].startswith("tasks")}
    assert kept == {entry for entry in before if entry[0] != "contacts_summary"}


def test_a_view_that_was_made_again_gets_its_privileges_by_its_name(owner: Connection, admin: Connection) -> None:
    before = {entry for entry in acls(admin) if entry[0] == "init_state"}
    assert before
    close(owner)
    owner.execute("drop view init_state; create view init_state as select 1::bigint as is_initialized")
    maintenance.shut(owner, "init_state")
    maintenance.open_(owner)
    assert {entry for entry in acls(admin) if entry[0] == "init_state"} == before


def test_a_role_that_is_gone_is_passed_over(owner: Connection, admin: Connection) -> None:
    before = acls(admin)
    admin.execute("create role passing_guest; grant insert on public.tags to passing_guest")
    close(owner)
    admin.execute("drop role passing_guest")
    maintenance.open_(owner)
    assert acls(admin) == before


def test_a_table_made_in_the_window_is_shut_until_it_opens(owner: Connection, attempt: Callable[..., str]) -> None:
    close(owner)
    with owner.transaction():
        owner.execute("create table products (id int); grant insert, select on products to authenticated")
        maintenance.shut(owner, "products")
    insert = "insert into public.products values (1)"
    assert attempt("authenticated", insert) == "InsufficientPrivilege"
    assert attempt("service_role", insert) == "InsufficientPrivilege"
    assert attempt("authenticated", "select id from public.products") == "done"
    maintenance.open_(owner)
    assert attempt("authenticated", insert) == "done"


def test_shutting_a_table_while_the_window_is_open_does_nothing(owner: Connection, admin: Connection) -> None:
    before = acls(admin)
    maintenance.shut(owner, "tags")
    assert acls(admin) == before


def test_grants_are_told_as_they_are_in_an_open_window(owner: Connection) -> None:
    owner.execute("grant update (city) on companies to authenticated with grant option")
    before = maintenance.grants(owner, "companies")
    assert maintenance.Grant("city", "authenticated", None, "UPDATE", True) in before
    close(owner)
    assert maintenance.grants(owner, "companies") == before
    maintenance.open_(owner)
    assert maintenance.grants(owner, "companies") == before


def test_sessions_of_others_end_when_the_window_closes_and_ours_go_on(database: Database, owner: Connection) -> None:
    said: list[Event] = []
    with (
        psycopg.connect(database.url, application_name="psql") as theirs,
        postgres.connect(database.url, purpose="monitor") as ours,
    ):
        theirs.execute("insert into tags (name, color) values ('a', 'warm')")
        close(owner, said)
        with pytest.raises(pg.AdminShutdown):
            theirs.execute("select 1")
        ours.execute("select 1")
    assert owner.execute("select count(*) from tags").fetchone() == (0,)
    assert any("1 other sessions ended" in event.message for event in said)


def test_sessions_of_roles_that_the_owner_may_not_look_at_end_as_well(database: Database, owner: Connection) -> None:
    url = psycopg.conninfo.make_conninfo(database.url, user="authenticator")
    with psycopg.connect(url) as theirs:
        close(owner)
        with pytest.raises(pg.AdminShutdown):
            theirs.execute("select 1")


def test_a_session_that_is_not_ours_to_end_is_said_in_a_warning(database: Database, owner: Connection) -> None:
    said: list[Event] = []
    with psycopg.connect(database.admin_url, application_name="backup") as theirs:
        theirs.execute("select 1")
        close(owner, said)
        theirs.execute("select 1")
    assert [event.message for event in said if event.kind == "warning"]


def test_a_strangers_table_in_public_is_said_in_a_warning(owner: Connection, admin: Connection) -> None:
    admin.execute("create table public.strange (id int); grant insert on public.strange to authenticated")
    said: list[Event] = []
    close(owner, said)
    assert any("strange" in event.message for event in said if event.kind == "warning")


def test_api_roles_cannot_see_what_was_taken(owner: Connection, attempt: Callable[..., str]) -> None:
    close(owner)
    for table in ("window_state", "window_grants", "window_others"):
        for role in postgres.API_ROLES:
            assert attempt(role, f"select from migration.{table}") == "InsufficientPrivilege"


# what lets others write past the tables' privileges, or in


def test_a_function_that_writes_as_its_owner_is_taken_away_and_one_that_policies_need_is_not(
    owner: Connection, admin: Connection, attempt: Callable[..., str]
) -> None:
    owner.execute(
        """
        create function add_tag(name text) returns void language sql security definer as
            'insert into public.tags (name, color) values (name, ''warm'')';
        create function "odd (one)"("a b" text, out done int) language sql security definer as
            'insert into public.tags (name, color) values ("a b", ''warm''); select 1';
        create function may_see() returns boolean language sql security definer as 'select true';
        create policy seen on tags for select to authenticated using (may_see());
        """
    )
    before = acls(admin)
    call = "select public.add_tag('x')"
    assert attempt("authenticated", call) == "done"
    close(owner)
    assert attempt("authenticated", call) == "InsufficientPrivilege"
    assert attempt("anon", """select public."odd (one)"('x')""") == "InsufficientPrivilege"
    assert attempt("authenticated", "select name from public.tags") == "done"
    maintenance.open_(owner)
    assert attempt("authenticated", call) == "done"
    assert acls(admin) == before


def test_a_strangers_function_that_writes_as_its_owner_is_said_in_a_warning(
    owner: Connection, admin: Connection
) -> None:
    admin.execute(
        """
        create function public.strange(text) returns void language sql security definer
        as 'update public.tags set name = $1';
        create function public.kept() returns void language sql security definer as 'delete from public.tags';
        revoke execute on function public.kept() from public, anon, authenticated, service_role;
        """
    )
    said: list[Event] = []
    close(owner, said)
    warned = [event.message for event in said if event.kind == "warning"]
    assert [message for message in warned if "function" in message] == [
        "others may still write to schema public through function public.strange(text): it does not belong to this role"
    ]


def test_nobody_signs_up_in_a_closed_window(owner: Connection, admin: Connection, attempt: Callable[..., str]) -> None:
    before = acls(admin)
    sign_up = "insert into auth.users (id) values (gen_random_uuid())"
    assert attempt("service_role", sign_up) != "InsufficientPrivilege"
    close(owner)
    assert attempt("service_role", sign_up) == "InsufficientPrivilege"
    maintenance.open_(owner)
    assert acls(admin) == before


GRANT_ELSEWHERE = """
    grant usage on schema elsewhere to authenticated;
    grant all on all tables in schema elsewhere to authenticated, service_role;
"""
# what lies in schema elsewhere, and how it would write into schema public
WAYS = {
    "a view": (
        "create view elsewhere.labels as select name, color from public.tags",
        "insert into elsewhere.labels values ('x', 'warm')",
    ),
    "a view that is updated": (
        "create view elsewhere.labels as select id, name from public.tags",
        "update elsewhere.labels set name = name",
    ),
    "a view that is deleted from": (
        "create view elsewhere.labels as select id, name from public.tags",
        "delete from elsewhere.labels",
    ),
    "a view on a view": (
        """
        create view elsewhere.named as select id, name from public.tags;
        create view elsewhere.labels as select id from elsewhere.named
        """,
        "delete from elsewhere.labels",
    ),
    "a rule": (
        """
        create table elsewhere.labels (name text);
        create rule also as on insert to elsewhere.labels
            do also insert into public.tags (name, color) values (new.name, 'warm')
        """,
        "insert into elsewhere.labels values ('x')",
    ),
    "a key that hands deletes on": (
        """
        create table elsewhere.labels (id bigint primary key);
        alter table public.tags add label bigint references elsewhere.labels on delete cascade
        """,
        "delete from elsewhere.labels",
    ),
    "a key that empties a column": (
        """
        create table elsewhere.labels (id bigint primary key);
        alter table public.tags add label bigint references elsewhere.labels on delete set null
        """,
        "delete from elsewhere.labels",
    ),
    "a key that hands updates on": (
        """
        create table elsewhere.labels (id bigint primary key);
        alter table public.tags add label bigint references elsewhere.labels on update cascade
        """,
        "update elsewhere.labels set id = id + 1",
    ),
    "a key above such a key": (
        """
        create table elsewhere.shelves (id bigint primary key);
        create table elsewhere.labels (
            id bigint primary key, shelf bigint references elsewhere.shelves on delete cascade
        );
        alter table public.tags add label bigint references elsewhere.labels on delete cascade
        """,
        "delete from elsewhere.shelves",
    ),
    "a parent": (
        """
        create table elsewhere.labels (name text);
        create table public.local_labels () inherits (elsewhere.labels)
        """,
        "delete from elsewhere.labels",
    ),
    "a partition": (
        """
        create table public.labels (id int) partition by range (id);
        create table elsewhere.labels partition of public.labels default
        """,
        "insert into elsewhere.labels values (1)",
    ),
    "a trigger": (
        """
        create table elsewhere.labels (name text);
        create function elsewhere.label() returns trigger language plpgsql security definer as
            'begin insert into public.tags (name, color) values (new.name, ''warm''); return new; end';
        create trigger label after insert on elsewhere.labels for each row execute function elsewhere.label()
        """,
        "insert into elsewhere.labels values ('x')",
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_nobody_writes_here_through_what_lies_elsewhere_in_a_closed_window(
    way: str, owner: Connection, admin: Connection, attempt: Callable[..., str]
) -> None:
    made, written = WAYS[way]
    owner.execute(f"create schema elsewhere; {made}; {GRANT_ELSEWHERE}".encode())
    before = acls(admin)
    assert attempt("authenticated", written) == "done"
    close(owner)
    close(owner)
    for role in ("authenticated", "service_role"):
        assert attempt(role, written) == "InsufficientPrivilege"
    maintenance.open_(owner)
    assert attempt("authenticated", written) == "done"
    assert acls(admin) == before


def test_what_elsewhere_does_not_write_here_stays_writable_in_a_closed_window(
    owner: Connection, attempt: Callable[..., str]
) -> None:
    owner.execute(
        f"""
        create schema elsewhere;
        create table elsewhere.notes (id int primary key);
        create table elsewhere.shelves (id bigint primary key);
        alter table public.tags add shelf bigint references elsewhere.shelves;
        create view elsewhere.tags with (security_invoker = on) as select id, name from public.tags;
        create function elsewhere.look() returns trigger language plpgsql as 'begin return new; end';
        create trigger look before insert on elsewhere.notes for each row execute function elsewhere.look();
        {GRANT_ELSEWHERE}
        """.encode()
    )
    close(owner)
    assert attempt("authenticated", "insert into elsewhere.notes values (1)") == "done"
    assert attempt("authenticated", "insert into elsewhere.shelves values (1)") == "done"
    assert attempt("authenticated", "select from elsewhere.tags") == "done"
    assert attempt("authenticated", "delete from elsewhere.tags") == "InsufficientPrivilege"


def test_a_trigger_of_a_role_that_owns_nothing_here_takes_no_right_from_its_table(
    owner: Connection, admin: Connection, attempt: Callable[..., str], stranger: str
) -> None:
    owner.execute(
        f"""
        create schema elsewhere;
        create table elsewhere.objects (id int);
        create function elsewhere.size() returns trigger language plpgsql security definer as 'begin return new; end';
        create trigger size before insert on elsewhere.objects for each row execute function elsewhere.size();
        {GRANT_ELSEWHERE}
        """.encode()
    )
    admin.execute(sql.SQL("alter function elsewhere.size() owner to {}").format(sql.Identifier(stranger)))
    close(owner)
    assert attempt("authenticated", "insert into elsewhere.objects values (1)") == "done"


def test_privileges_on_a_view_elsewhere_come_back_with_columns_and_grantors_also_under_another_name(
    owner: Connection, admin: Connection, attempt: Callable[..., str]
) -> None:
    owner.execute(
        """
        create schema elsewhere;
        create view elsewhere."odd {view}" as select id, name as "a ""name", color from public.tags;
        grant usage on schema elsewhere to anon, authenticated, service_role;
        grant insert, update ("a ""name", color) on elsewhere."odd {view}" to service_role with grant option;
        grant update (color) on elsewhere."odd {view}" to public;
        """
    )
    for grantor, grantee in (("service_role", "authenticated"), ("authenticated", "anon")):
        grant = f"""grant insert, update ("a ""name") on elsewhere."odd {{view}}" to {grantee} with grant option"""
        admin.execute(f"set role {grantor}; {grant}; reset role".encode())
    before = {entry[1:] for entry in acls(admin) if entry[0].startswith("elsewhere.")}
    assert len(before) > 12
    write = """update elsewhere."odd {view}" set "a ""name" = 'x'"""
    assert attempt("anon", write) == "done"
    close(owner)
    assert attempt("anon", write) == "InsufficientPrivilege"
    assert attempt("anon", """update elsewhere."odd {view}" set color = 'x'""") == "InsufficientPrivilege"
    owner.execute(
        'alter view elsewhere."odd {view}" rename to labels; alter view elsewhere.labels rename color to tint'
    )
    maintenance.open_(owner)
    after = {entry[1:] for entry in acls(admin) if entry[0].startswith("elsewhere.")}
    assert {(column.replace("tint", "color"), *rest) for column, *rest in after} == before


def test_what_a_stranger_owns_elsewhere_is_said_in_a_warning(owner: Connection, admin: Connection) -> None:
    owner.execute("create schema elsewhere; create table elsewhere.labels (id bigint primary key)")
    owner.execute("alter table tags add label bigint references elsewhere.labels on delete cascade")
    admin.execute("alter table elsewhere.labels owner to postgres")
    admin.execute("create view elsewhere.tags as select id from public.tags")
    said: list[Event] = []
    close(owner, said)
    assert not [event.message for event in said if "elsewhere" in event.message]
    maintenance.open_(owner)
    admin.execute("grant delete on elsewhere.labels to authenticated; grant update (id) on elsewhere.tags to anon")
    close(owner, said)
    warned = [event.message for event in said if event.kind == "warning" and "through elsewhere" in event.message]
    assert [message.split(":")[0].rpartition(" ")[2] for message in warned] == ["elsewhere.labels", "elsewhere.tags"]


def test_a_window_that_an_earlier_version_closed_opens_exactly_and_can_be_closed_again(
    owner: Connection, admin: Connection, catalog: catalogs.Catalog
) -> None:
    before = acls(admin)
    close(owner)
    owner.execute(
        """
        alter table migration.window_others drop column column_number, drop column column_name;
        alter table migration.window_others
            add constraint window_others_pkey primary key (kind, object, grantee, grantor, privilege, given);
        """
    )
    with owner.transaction(force_rollback=True):
        maintenance.open_(owner)
        assert acls(owner) == before
    for script in catalog.state:
        owner.execute(script.encode())
    close(owner)
    maintenance.open_(owner)
    assert acls(admin) == before


def test_sequences_are_not_set_by_others_in_a_closed_window(owner: Connection, attempt: Callable[..., str]) -> None:
    for statement in ("select setval('public.tags_id_seq', 9)", "select nextval('public.tags_id_seq')"):
        assert attempt("service_role", statement) == "done"
        close(owner)
        assert attempt("service_role", statement) == "InsufficientPrivilege"
        maintenance.open_(owner)
        assert attempt("service_role", statement) == "done"


@pytest.fixture
def stranger(admin: Connection) -> Iterator[str]:
    """A role that may sign in and is nobody here: the tool of a department."""
    name = f"window {secrets.token_hex(4)}"
    admin.execute(sql.SQL("create role {} login").format(sql.Identifier(name)))
    yield name
    admin.execute(sql.SQL("drop owned by {0} cascade; drop role {0}").format(sql.Identifier(name)))


def gets_in(database: Database, role: str) -> bool:
    try:
        psycopg.connect(psycopg.conninfo.make_conninfo(database.url, user=role)).close()
    except psycopg.OperationalError as error:
        return "permission denied for database" not in str(error)
    return True


@pytest.mark.parametrize("readers", [True, False])
def test_new_sessions_are_kept_out_but_for_the_api_where_it_may_read(
    readers: bool, database: Database, owner: Connection, admin: Connection, stranger: str
) -> None:
    admin.execute(
        sql.SQL("grant connect, create on database {} to {} with grant option").format(
            sql.Identifier(database.name), sql.Identifier(stranger)
        )
    )
    before = acls(admin)
    maintenance.close(owner, grace_seconds=0, emit=silent, readers=readers)
    assert not gets_in(database, stranger)
    assert gets_in(database, "authenticator") is readers
    assert gets_in(database, "crm_owner")
    maintenance.close(owner, grace_seconds=0, emit=silent, readers=False)
    assert not gets_in(database, "authenticator")
    maintenance.open_(owner)
    assert gets_in(database, stranger)
    assert acls(admin) == before


def test_a_member_of_the_owner_gets_in_though_it_does_not_inherit(
    database: Database, owner: Connection, admin: Connection, stranger: str
) -> None:
    role = sql.Identifier(stranger)
    admin.execute(sql.SQL("alter role {} noinherit; grant crm_owner to {}").format(role, role))
    before = acls(admin)
    maintenance.close(owner, grace_seconds=0, emit=silent, readers=False)
    assert gets_in(database, stranger)
    maintenance.open_(owner)
    assert acls(admin) == before


def test_where_the_database_is_another_roles_it_is_said_that_nobody_is_kept_out(
    database: Database, owner: Connection, admin: Connection
) -> None:
    admin.execute(f'alter database "{database.name}" owner to postgres'.encode())
    said: list[Event] = []
    before = acls(admin)
    close(owner, said)
    assert any("new sessions cannot be kept out" in event.message for event in said if event.kind == "warning")
    assert gets_in(database, "authenticator")
    maintenance.open_(owner)
    assert acls(admin) == before


def test_a_window_dies_whole_whichever_statement_it_dies_at(
    database: Database, owner: Connection, admin: Connection
) -> None:
    before = acls(admin)
    for work in (lambda session: close(session), maintenance.open_):
        at = 1
        while dies_at(database, at, work):
            assert acls(admin) == before or maintenance.is_closed(owner)
            at += 1
        assert at > 20
    assert acls(admin) == before


def dies_at(database: Database, number: int, work: Callable[[Connection], None]) -> bool:
    """Do `work` in a session that is lost before its statement of that number; False where there were fewer."""

    class Dying(psycopg.Connection[Any]):
        left = number

        def execute(self, *given: Any, **named: Any) -> psycopg.Cursor[Any]:
            self.left -= 1
            if self.left == 0:
                self.close()
            return super().execute(*given, **named)

    with suppress(psycopg.OperationalError), Dying.connect(database.url, autocommit=True) as session:
        work(session)
        return False
    return True


# what the application is told


def told(admin: Connection) -> tuple[str, str]:
    """State and message as an anonymous caller of the API reads them."""
    with admin.transaction():
        admin.execute("set local role anon")
        row = admin.execute("select state, message from public.migration_status").fetchone()
    assert row is not None
    return row[0], row[1]


def test_the_application_reads_until_when_it_is_read_only(owner: Connection, admin: Connection) -> None:
    assert told(admin) == ("open", "")
    close(owner)
    assert told(admin) == ("read_only", "read-only for maintenance")
    maintenance.announce(owner, seconds=3_600)
    state, message = told(admin)
    assert (state, re.fullmatch(r"read-only until \d\d:[0-5][05] UTC", message) is not None) == ("read_only", True)
    owner.execute("update migration.window_state set until = clock_timestamp() - interval '1 second'")
    assert told(admin) == ("read_only", "read-only, for longer than announced")
    maintenance.open_(owner)
    assert told(admin) == ("open", "")


@pytest.mark.parametrize("role", postgres.API_ROLES)
def test_the_status_line_is_for_reading_only(role: str, owner: Connection, attempt: Callable[..., str]) -> None:
    assert attempt(role, "select state from public.migration_status") == "done"
    assert attempt(role, "delete from public.migration_status") != "done"


def test_a_window_that_one_run_left_closed_is_the_one_of_the_run_that_goes_on(owner: Connection) -> None:
    for run in ("first", "second"):
        history.begin(owner, run)
        maintenance.close(owner, grace_seconds=0, emit=silent, run_id=run)
    found = maintenance.window(owner)
    assert found is not None
    assert found.run_id == "second"
    assert {run.run_id: run.status for run in history.runs(owner)} == {"first": "stopped", "second": "running"}


def test_a_closed_window_knows_its_run_and_since_when(owner: Connection) -> None:
    assert maintenance.window(owner) is None
    maintenance.close(owner, grace_seconds=0, emit=silent, run_id="20261122T020000Z")
    maintenance.close(owner, grace_seconds=0, emit=silent)
    found = maintenance.window(owner)
    assert found is not None
    assert (found.run_id, found.until) == ("20261122T020000Z", None)
