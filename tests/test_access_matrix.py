"""Role × relation × command before and after a night (C10, D4): no right is lost and none gained.

One leak is closed, and the report names it: contacts_summary ran as its owner, and showed every contact to whoever
might read the view.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace

import psycopg
import pytest
from psycopg import sql

from conftest import Database, Server, scratch_database
from crm_migrate import access, postgres, workflow
from crm_migrate.access import Privilege
from crm_migrate.catalog import Catalog
from crm_migrate.postgres import Connection
from crm_migrate.preflight import Preflight
from crm_migrate.verify import Verification
from nights import approved, settings_for

API = ("anon", "authenticated", "service_role")
COMMANDS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
NEVER_ON_NEW = {"TRUNCATE", "REFERENCES", "TRIGGER"}
CLOSED_LEAK = "contacts_summary"

# Old relation → what answers for it after the night. A view stands for the table under its old name.
MOVED = {
    "deals": ("deals", "opportunities"),
    "dealNotes": ("dealNotes", "opportunityNotes"),
    "deals_id_seq": ("opportunities_id_seq",),
    "dealNotes_id_seq": ("opportunityNotes_id_seq",),
}
MOVED_COLUMNS = {("opportunities", "stage"): "legacy_stage", ("opportunityNotes", "deal_id"): "opportunity_id"}

# Roles of a customer's own, and defaults that would let them at whatever is created.
GRANTS = """
grant select (id, name, stage), references (id) on public.deals to {reader};
grant select (id, first_name, company_id) on public.contacts to {reader};
grant select (deal_id, text) on public."dealNotes" to {reader};
grant select on public.companies, public.tags to {reader} with grant option;
grant select on public.contacts_summary, public.companies_summary to {reader};
grant usage on sequence public.deals_id_seq, public.tasks_id_seq to {reader} with grant option;
grant insert on public.contacts, public.tasks, public.deals, public."dealNotes", public.companies to {writer};
grant update (stage) on public.deals to {stager};
grant update (company_id), select (id) on public.contacts to {stager};
grant delete, select (id) on public.tasks to {stager};
alter default privileges grant all on schemas to {reader};
alter default privileges grant all on tables to {reader};
alter default privileges in schema public grant all on tables to {reader};
alter default privileges in schema public grant all on sequences to {reader};
alter default privileges in schema public grant all on routines to {writer};
alter default privileges in schema public grant all on types to {writer};
create policy "Robots" on public.deals to {reader}, {writer}, {stager} using (true) with check (true);
create policy "Robots" on public.contacts to {reader}, {writer}, {stager} using (true) with check (true);
create policy "Robots" on public."dealNotes" to {reader}, {writer}, {stager} using (true) with check (true);
create policy "Robots" on public.tasks to {reader}, {writer}, {stager} using (true) with check (true);
create policy "Readers" on public.companies for select to {reader} using (true);
create policy "Some tags" on public.tags for select to {reader} using (id > 10);
create policy "New companies" on public.companies for insert to {writer} with check (true);
"""

READS = {
    "companies": ("id", "name"),
    "contacts": ("id", "first_name", "company_id"),
    "contactNotes": ("id", "text"),
    "dealNotes": ("id", "deal_id", "text"),
    "deals": ("id", "stage", "amount"),
    "sales": ("id", "email"),
    "tags": ("id", "name"),
    "tasks": ("id", "text"),
    "tags_color_backup": ("id", "name"),
    "companies_summary": ("id", "nb_deals"),
    "contacts_summary": ("id", "company_name"),
    "init_state": ("is_initialized",),
}
WRITES = (
    "insert into public.companies (name) values ('New')",
    "insert into public.companies (name) values ('New') returning id is not null",
    "insert into public.contacts (first_name) values ('New')",
    "insert into public.contacts (first_name, company_id) values ('New', 1)",
    "insert into public.contacts (first_name, company_id) values ('New', 1) returning company_id",
    """insert into public."contactNotes" (contact_id, text) values (1, 'New')""",
    """insert into public."dealNotes" (deal_id, text) values (1, 'New')""",
    "insert into public.deals (name, stage) values ('New', 'won')",
    "insert into public.deals (name, stage, company_id, contact_ids) values ('New', 'won', 1, '{1}')",
    "insert into public.deals (name, stage) values ('New', 'won') returning name",
    "insert into public.deals (id, name, stage) values (1, 'New', 'won') on conflict (id) do nothing",
    "insert into public.deals (id, name, stage) values (1, 'New', 'won') on conflict (id) do update set stage = 'won'",
    "insert into public.sales (first_name, last_name, email, administrator, user_id) "
    "values ('a', 'b', 'c', true, '6f1c0f7a-0000-4000-8000-000000000003')",
    "insert into public.tags (name, color) values ('New', 'pink')",
    "insert into public.tasks (contact_id, due_date) values (1, now())",
    "insert into public.tags_color_backup (id) values (99)",
    "insert into public.companies_summary (name) values ('New')",
    "insert into public.contacts_summary (first_name) values ('New')",
    "update public.companies set name = 'Other'",
    "update public.companies set name = 'Other' where id = 1",
    "update public.companies set id = 70000 where id = 1",
    "update public.contacts set title = 'Other'",
    "update public.contacts set company_id = 2",
    "update public.contacts set company_id = 2 where id = 1",
    "update public.contacts set company_id = null where id = 1 returning id",
    """update public."contactNotes" set text = 'Other'""",
    """update public."dealNotes" set text = 'Other'""",
    """update public."dealNotes" set deal_id = 2 where id = 1""",
    "update public.deals set stage = 'won'",
    "update public.deals set stage = 'won' where id = 1",
    "update public.deals set stage = 'won' where id = 1 returning amount",
    "update public.deals set amount = 1",
    "update public.deals set company_id = 2 where id = 1",
    "update public.sales set first_name = 'Other'",
    "update public.tags set name = 'Other'",
    "update public.tasks set done_date = now()",
    "update public.tags_color_backup set name = 'Other'",
    "delete from public.companies",
    "delete from public.companies where id = 1",
    "delete from public.contacts where id = 1",
    """delete from public."contactNotes" where id = 1""",
    """delete from public."dealNotes" where id = 1""",
    "delete from public.deals",
    "delete from public.deals where id = 1",
    "delete from public.sales where id = 1",
    "delete from public.tags where id = 1",
    "delete from public.tasks where id = 1",
    "delete from public.tags_color_backup",
    "truncate public.tasks",
    "truncate public.tags",
    """truncate public."contactNotes\"""",
    "truncate public.tags_color_backup",
    "select nextval('public.tasks_id_seq') > 0",
    "select nextval('public.contacts_id_seq') > 0",
    "select setval('public.tags_id_seq', 500)",
    "create trigger intruder before insert on public.contacts for each row "
    "execute function suppress_redundant_updates_trigger()",
)


# Behind a view that runs with its caller's rights, PostgreSQL asks for SELECT on every column of it: who may read but
# some columns of deals cannot read through the old name. Pre-flight says so; on the table these columns stay theirs.
THROUGH_OLD_NAMES = {
    'select count(*) from public."deals"': ('"deals"', '"opportunities"'),
    'select id from public."deals"': ('"deals"', '"opportunities"'),
    'select stage from public."deals"': ('stage from public."deals"', 'legacy_stage from public."opportunities"'),
    'select count(*) from public."dealNotes"': ('"dealNotes"', '"opportunityNotes"'),
    'select deal_id from public."dealNotes"': (
        'deal_id from public."dealNotes"',
        'opportunity_id from public."opportunityNotes"',
    ),
    'select text from public."dealNotes"': ('"dealNotes"', '"opportunityNotes"'),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What was true of one side.

    Attributes:
        held: (role, relation, command) for each privilege that holds, however it came about.
        answers: what a statement gave, by (role, statement).
    """

    privileges: frozenset[Privilege]
    held: frozenset[tuple[str, str, str]]
    answers: dict[tuple[str, str], str]
    flags: dict[str, tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Night:
    """Both sides of one night, with the names of a customer's roles."""

    before: Seen
    after: Seen
    roles: dict[str, str]
    legacy: frozenset[str]
    database: Database
    doctor: Preflight
    verification: Verification


@pytest.fixture(scope="module")
def own_roles(server: Server) -> Iterator[dict[str, str]]:
    """A reader of some columns, a writer who may only insert, one who may only move stages."""
    roles = {label: f"{label}_{secrets.token_hex(4)}" for label in ("reader", "writer", "stager")}
    with postgres.connect(server.admin_url(), autocommit=True) as admin:
        for role in roles.values():
            admin.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
        try:
            yield roles
        finally:
            for role in roles.values():
                admin.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


@pytest.fixture(scope="module")
def night(
    server: Server, sample_template: str, own_roles: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Night]:
    folder = tmp_path_factory.mktemp("matrix")
    with scratch_database(server, template=sample_template) as made:
        with postgres.connect(made.url) as owner:
            names = {label: sql.Identifier(role) for label, role in own_roles.items()}
            owner.execute(sql.SQL(GRANTS).format(**names))
        every = (*API, *own_roles.values(), postgres_owner(made))
        before = seen(made, every)
        legacy = frozenset(relation for _role, relation, _command in before.held)
        settings = settings_for(made, folder)
        doctor = workflow.doctor(settings=settings)
        approved(settings)
        workflow.execute(confirm=made.name, settings=settings)
        verification = workflow.verify(settings=settings)
        yield Night(before, seen(made, every), own_roles, legacy, made, doctor, verification)


def postgres_owner(database: Database) -> str:
    with postgres.connect(database.url) as connection:
        return connection.info.user


def seen(database: Database, roles: tuple[str, ...]) -> Seen:
    with psycopg.connect(database.admin_url, autocommit=True) as admin:
        flags = {
            str(name): tuple(rest)
            for name, *rest in admin.execute(
                "select relname, relrowsecurity, relforcerowsecurity, relowner::regrole::text from pg_class "
                "where relnamespace = 'public'::regnamespace and relkind in ('r', 'v', 'S')"
            )
        }
        return Seen(
            access.privileges(admin),
            frozenset(entry for role in roles for entry in held(admin, role)),
            {(role, statement): answer(admin, role, statement) for role in roles for statement in statements()},
            flags,
        )


def held(admin: Connection, role: str) -> list[tuple[str, str, str]]:
    """What PostgreSQL itself says that a role may do, by membership, by ownership, or on any one column."""
    rows = admin.execute(
        """
        select classes.relname, commands.name
        from pg_catalog.pg_class as classes
        cross join unnest(%(commands)s::text[]) as commands (name)
        where classes.relnamespace = 'public'::regnamespace and classes.relkind in ('r', 'v', 'm')
            and classes.relname not in ('migration_history', 'migration_status')
            and (
                has_table_privilege(%(role)s, classes.oid, commands.name)
                or commands.name in ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
                    and has_any_column_privilege(%(role)s, classes.oid, commands.name)
            )
        union all
        select classes.relname, commands.name
        from pg_catalog.pg_class as classes
        cross join unnest(array['USAGE', 'SELECT', 'UPDATE']) as commands (name)
        where classes.relnamespace = 'public'::regnamespace and classes.relkind = 'S'
            and has_sequence_privilege(%(role)s, classes.oid, commands.name)
        """,
        {"role": role, "commands": list(COMMANDS)},
    ).fetchall()
    return [(role, relation, command) for relation, command in rows]


def statements() -> list[str]:
    reads = [
        f'select {columns} from public."{relation}"'
        for relation, names in READS.items()
        for columns in ("count(*)", *names)
    ]
    return [*reads, *WRITES]


def answer(admin: Connection, role: str, statement: str) -> str:
    """The rows that a role sees, how many it changes, or the SQLSTATE of its refusal; nothing stays of it."""
    try:
        with admin.transaction(force_rollback=True):
            admin.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
            cursor = admin.execute(statement.encode())
            rows = sorted(str(row) for row in cursor) if cursor.description else []
            return f"{cursor.rowcount} {rows}"
    except psycopg.Error as error:
        return error.sqlstate or ""


def moved(privilege: Privilege) -> list[Privilege]:
    """A privilege of before as it has to be found after."""
    if privilege.kind not in ("table", "sequence"):
        return [privilege]
    old = privilege.object.removeprefix("public.").strip('"')
    found = []
    for new in MOVED.get(old, (old,)):
        column = MOVED_COLUMNS.get((new, privilege.column), privilege.column)
        found.append(replace(privilege, object=quoted(new), column=column))
    return found


def quoted(relation: str) -> str:
    return f'public."{relation}"' if relation != relation.lower() else f"public.{relation}"


def of_legacy(night: Night) -> set[str]:
    """Names of all that answers for a legacy relation after the night."""
    return {new for old in night.legacy for new in MOVED.get(old, (old,))}


def test_every_privilege_on_a_legacy_relation_is_held_as_before_and_none_is_new(night: Night) -> None:
    legacy = {quoted(name) for name in of_legacy(night)}
    expected = {new for old in night.before.privileges for new in moved(old) if old.kind in ("table", "sequence")}
    found = {privilege for privilege in night.after.privileges if privilege.object in legacy}
    assert sorted(found - expected) == []
    assert sorted(expected - found) == []


def test_every_privilege_on_a_legacy_function_is_held_as_before(night: Night) -> None:
    before = {privilege for privilege in night.before.privileges if privilege.kind == "routine"}
    names = {privilege.object for privilege in before}
    assert {privilege for privilege in night.after.privileges if privilege.object in names} == before


def test_what_a_role_may_do_by_whatever_way_is_as_before(night: Night) -> None:
    expected = {(role, new, command) for role, old, command in night.before.held for new in MOVED.get(old, (old,))}
    names = of_legacy(night)
    assert {entry for entry in night.after.held if entry[1] in names} == expected


def test_a_new_table_lets_no_user_truncate_it_refer_to_it_or_put_a_trigger_on_it(night: Night) -> None:
    gained = {
        entry
        for entry in night.after.held
        if entry[1] not in of_legacy(night) and entry[0] in ("anon", "authenticated")
    }
    assert {entry for entry in gained if entry[2] in NEVER_ON_NEW and not is_view(entry[1], night)} == set()


def is_view(relation: str, night: Night) -> bool:
    with postgres.connect(night.database.url) as connection:
        row = connection.execute(
            "select relkind = 'v' from pg_class where oid = to_regclass(%s)", [quoted(relation)]
        ).fetchone()
    return row is not None and bool(row[0])


def test_a_new_relation_gives_a_role_no_more_than_the_relation_it_was_made_from(night: Night, catalog: Catalog) -> None:
    sources = {
        target: source.removeprefix("migration.")
        for phase in catalog.phases
        for step in phase.steps
        if step.kind == "grants"
        for source, target in [step.subject.split("->")]
    }
    sources |= {f"{target}_id_seq": f"{source}_id_seq" for target, source in sources.items()}
    owner = postgres_owner(night.database)
    for role, relation, command in night.after.held:
        if relation not in of_legacy(night) and role != owner:
            assert (role, sources[relation], command) in night.after.held, (role, relation, command)


def test_a_new_function_runs_only_for_those_who_could_read_something(night: Night) -> None:
    legacy = {privilege.object for privilege in night.before.privileges if privilege.kind == "routine"}
    readers = {privilege.grantee for privilege in night.before.privileges if privilege.privilege == "SELECT"}
    callers = {
        (privilege.object, privilege.grantee)
        for privilege in night.after.privileges
        if privilege.kind == "routine" and privilege.object not in legacy
    }
    assert {caller for caller in callers if caller[1] not in readers} == set()


def test_nobody_but_the_owner_may_do_anything_in_the_migrations_own_schemas(night: Night) -> None:
    roles = [*API, *night.roles.values()]
    with postgres.connect(night.database.admin_url) as admin:
        rows = admin.execute(
            """
            select roles.name, namespaces.nspname
            from unnest(%s::text[]) as roles (name)
            cross join pg_catalog.pg_namespace as namespaces
            where namespaces.nspname in ('migration', 'migration_backup')
                and (
                    has_schema_privilege(roles.name, namespaces.oid, 'usage')
                    or has_schema_privilege(roles.name, namespaces.oid, 'create')
                )
            union all
            select roles.name, 'migration_history'
            from unnest(%s::text[]) as roles (name)
            where has_table_privilege(
                roles.name, 'public.migration_history', 'select, insert, update, delete, truncate'
            )
            """,
            [roles, roles],
        ).fetchall()
    assert rows == []


def test_every_statement_of_every_role_has_the_effect_of_before(night: Night) -> None:
    changed = {
        (label(role, night), statement)
        for (role, statement), old in night.before.answers.items()
        if night.after.answers[role, statement] != old and CLOSED_LEAK not in statement
    }
    assert changed == {("reader", statement) for statement in THROUGH_OLD_NAMES}


def test_who_may_read_single_columns_of_a_deal_reads_them_on_the_table_and_was_named_before(night: Night) -> None:
    role = night.roles["reader"]
    with psycopg.connect(night.database.admin_url, autocommit=True) as admin:
        for statement, (old, new) in THROUGH_OLD_NAMES.items():
            assert night.after.answers[role, statement] == "42501"
            assert answer(admin, role, statement.replace(old, new)) == night.before.answers[role, statement]
    named = next(check for check in night.doctor.checks if check.check == "column grants")
    assert named.warning
    assert named.detail == f"single columns are read by {role} of dealNotes, {role} of deals"


def label(role: str, night: Night) -> str:
    return next((name for name, own in night.roles.items() if own == role), role)


def test_the_verification_names_the_leak_that_was_closed(night: Night) -> None:
    named = next(result for result in night.verification.checks if result.check == "leaks closed")
    assert named.detail.startswith("contacts_summary ran with its owner's rights and showed every row")
    assert "(anon, authenticated, " in named.detail


def test_the_summary_of_contacts_shows_nobody_more_than_the_contacts_do(night: Night) -> None:
    counted = f'select count(*) from public."{CLOSED_LEAK}"'
    assert night.before.answers["anon", counted] == "1 ['(300,)']"
    assert night.after.answers["anon", counted] == "1 ['(0,)']"
    for role in ("authenticated", "service_role", postgres_owner(night.database)):
        assert night.after.answers[role, counted] == night.before.answers[role, counted] == "1 ['(300,)']"
    assert night.before.answers[night.roles["reader"], counted] == "1 ['(300,)']"
    assert night.after.answers[night.roles["reader"], counted] == "42501"  # it may not read contacts as a whole


def test_owners_and_row_level_security_are_as_before_and_new_tables_have_it_on(night: Night) -> None:
    owner = postgres_owner(night.database)
    for old, (security, forced, owned) in night.before.flags.items():
        new = MOVED.get(old, (old,))[-1]
        assert night.after.flags[new] == (security, forced, owned), new
    with postgres.connect(night.database.url) as connection:
        tables = [
            name
            for (name,) in connection.execute(
                "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
            )
        ]
    for table in set(tables) - of_legacy(night):
        assert night.after.flags[table] == (True, False, owner), table
