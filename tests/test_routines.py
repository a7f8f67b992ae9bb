"""Functions of a customer's own: those that are named before the migration break when they are called after it.

Each kind was tried out: a function is made, called, its database migrated, and the function called again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from conftest import Database, Server, scratch_database
from crm_migrate import events, history, inputs, plan, postgres, routines, schema
from crm_migrate.catalog import Catalog
from crm_migrate.notices import Notice
from crm_migrate.settings import Settings
from crm_migrate.steps import Context
from other_server import OtherServer

LISTED = (
    "id, first_name, last_name, gender, title, background, avatar, first_seen, last_seen, has_newsletter, status, "
    "tags, company_id, sales_id, linkedin_url, email_jsonb, phone_jsonb"
)
TYPED = (
    "id bigint, first_name text, last_name text, gender text, title text, background text, avatar jsonb, "
    "first_seen timestamptz, last_seen timestamptz, has_newsletter boolean, status text, tags bigint[], "
    "company_id bigint, sales_id bigint, linkedin_url text, email_jsonb jsonb, phone_jsonb jsonb"
)
NOTE = "id bigint, deal_id bigint, type text, text text, date timestamptz, sales_id bigint, attachments jsonb[]"


@dataclass(frozen=True, slots=True)
class Made:
    """A function, how it is called, and on which lines of its body something breaks; None is its signature."""

    returns: str
    body: str
    lines: tuple[int | None, ...] = ()
    language: str = "plpgsql"
    arguments: str = ""
    call: str = "select count(*) from {name}()"


def sql(returns: str, body: str, *lines: int | None) -> Made:
    return Made(returns, body, lines, "sql")


def does(statement: str, *lines: int | None, declare: str = "") -> Made:
    return Made("void", f"\n{declare}\nbegin\n    {statement};\nend", lines)


MADE: Mapping[str, Made] = {
    # rows of deals, whose type follows the table
    "setof_deals": sql("setof deals", "select * from deals", None),
    "query_of_deals": Made("setof deals", "begin return query select * from deals; end", (None,)),
    "next_deal": Made(
        "setof deals", "declare r deals; begin for r in select * from deals loop return next r; end loop; end", (None,)
    ),
    "one_deal": Made("deals", "declare r deals; begin select * into r from deals limit 1; return r; end", (None,)),
    "a_deal_given": Made(
        "text", "select d.name", (None,), "sql", "d deals", "select {name}(d) from public.deals as d limit 1"
    ),
    "deals_given": Made(
        "int",
        "select cardinality(d)",
        (None,),
        "sql",
        "d deals[]",
        "select {name}(array_agg(d)) from public.deals as d",
    ),
    "a_deal_in_a_column": sql("table (d deals, n int)", "select d, 1 from deals as d", None),
    "deals_by_standard": Made("setof deals", "begin atomic select * from deals; end", (None,), "sql"),
    # rows of tables that get columns
    "contacts_listed": sql("setof contacts", f"select {LISTED} from contacts", 1),
    "contacts_listed_in_query": Made(
        "setof contacts", f"begin\n  return query select {LISTED} from contacts; end", (2,)
    ),
    "contacts_by_standard": Made("setof contacts", "begin atomic select * from contacts; end", (None,), "sql"),
    "contacts_as_columns": sql(f"table ({TYPED})", "select * from contacts", 1),
    "contacts_archived": does("insert into contacts_archive select * from contacts", 4),
    "contacts_moved": does(
        "with gone as (delete from contacts where id = -1 returning *) insert into contacts_archive select * from gone",
        4,
    ),
    "companies_united": does(
        "perform count(*) from (select * from companies union all select * from companies_archive) as x", 4
    ),
    "contact_inserted": does(
        "select * into r from contacts limit 1; insert into contacts_archive values (r.*)",
        4,
        declare="declare r contacts;",
    ),
    # what works on tables only
    "truncates": does("truncate deals cascade", 4),
    "truncates_notes": does('truncate table public."dealNotes"', 4),
    "truncates_only_it": does("truncate table only deals cascade", 4),
    "copies": does("copy deals to '/dev/null'", 4),
    "adds_a_column": does("alter table if exists public.deals add column more text", 4),
    "rests_triggers": does("alter table deals disable trigger user", 4),
    "refers": does("create table favourites (deal bigint references deals (id))", 4),
    "inherits": does("create table deals_of_2020 () inherits (deals)", 4),
    "indexes": does("create index on deals (name)", 4),
    "guards": does("create policy more on deals using (true)", 4),
    "fires": does(
        "create trigger t before insert on deals for each row execute function suppress_redundant_updates_trigger()", 4
    ),
    "comments": does("comment on table deals is 'ours'", 4),
    "reindexes": does("reindex table deals", 4),
    "clusters": does("cluster deals using deals_pkey", 4, 4),
    "samples": does("perform id from deals tablesample system (50)", 4),
    "steps_through": does(
        "open c; fetch c into r; update deals set name = 'x' where current of c",
        4,
        declare="declare c cursor for select * from deals for update; r record;",
    ),
    "finds_twins": does(
        "delete from deals as one using deals as other where one.ctid < other.ctid and one.id = other.id", 4
    ),
    "asks_for_xmin": sql("bigint", "select count(xmin) from deals", 1),
    "groups_by_key": does(
        'perform d.*, count(n.id) from deals as d left join "dealNotes" as n on n.deal_id = d.id group by d.id',
        4,
    ),
    "executes_truncate": does("execute 'truncate table deals cascade'", 4),
    "formats_truncate": does("execute format('truncate table %I cascade', 'deals')", 4),
    # names that move
    "conflicts": does(
        "insert into deals (id, name, stage) values (1, 'x', 'won') on conflict on constraint deals_pkey do nothing", 4
    ),
    "takes_a_number": Made("bigint", "begin return nextval('deals_id_seq'); end", (1,)),
    "sets_a_number": does("perform setval('public.deals_id_seq', 100)", 4),
    # what works as before
    "plain": Made(
        "bigint", "declare n bigint; begin select count(*) into n from deals where stage = 'won'; return n; end"
    ),
    "declared": Made(
        "text",
        "declare r deals%rowtype; s deals.stage%type; begin select * into r from deals limit 1; return r.stage; end",
    ),
    "locks": does("lock table deals in share mode"),
    "copies_a_query": does("copy (select * from deals) to '/dev/null'"),
    "made_alike": does("create temp table alike (like deals including all)"),
    "upserts": does(
        "insert into deals (id, name, stage) values (1, 'x', 'won') on conflict (id) do update set name = excluded.name"
    ),
    "number_by_standard": Made("bigint", "begin atomic select nextval('deals_id_seq'); end", (), "sql"),
    "reads_for_update": does("perform id from deals for update skip locked"),
    "groups_by_all": does("perform d.id, d.name, count(*) from deals as d group by d.id, d.name"),
    "groups_by_contact": does("perform c.last_name, count(*) from contacts as c group by c.id"),
    "inserts_without_columns": does("insert into companies values (77, now(), 'x')"),
    "inserts_deal_without_columns": does("insert into deals values (777, 'x', null, null, null, 'won')"),
    "contacts_open": sql("setof contacts", "select * from contacts"),
    "contacts_of_one": sql(
        "setof contacts", "select c.* from contacts as c inner join companies as o on o.id = c.company_id"
    ),
    "contacts_queried": Made("setof contacts", "begin return query select * from contacts; end"),
    "contacts_stepped": Made(
        "setof contacts",
        "declare r contacts%rowtype; begin for r in select * from contacts loop return next r; end loop; end",
    ),
    "notes_as_columns": sql(f"table ({NOTE})", 'select * from "dealNotes"'),
    "first_columns": Made(
        "text", "declare a bigint; b text; begin select * into a, b from contacts limit 1; return b; end"
    ),
    "deals_archived": does("insert into deals_archive select * from deals"),
    "deals_moved": does(
        "with gone as (delete from deals where id = -1 returning *) insert into deals_archive select * from gone"
    ),
    "deal_inserted": does(
        "select * into r from deals limit 1; r.id := 999; insert into deals values (r.*)", declare="declare r deals;"
    ),
    "executes_select": does("execute 'select count(*) from deals'"),
    "standard": Made("bigint", "begin atomic select count(*) from deals where stage = 'won'; end", (), "sql"),
    "only_speaks": does("raise notice 'do not truncate deals, and leave deals_archive alone'"),
}
FIRED: Mapping[str, tuple[str, str, tuple[int, ...]]] = {
    # trigger functions: table, body, lines
    "won": ("deals", "begin\n  if new.stage = 'won' then null; end if; return new; end", (2,)),
    "wins": ("deals", "begin new.stage := 'won'; return new; end", (1,)),
    "notes_stage": ("deals", "begin insert into said values (new.stage); return new; end", (1,)),
    "notes_row": ("deals", "begin insert into said values (to_jsonb(new) ->> 'stage'); return new; end", (1,)),
    "is_of_deals": (
        "deals",
        "begin if tg_table_name <> 'deals' then raise exception 'another'; end if; return new; end",
        (1,),
    ),
    "names_deal": ('"dealNotes"', "begin perform new.deal_id; return new; end", (1,)),
    "keeps_old": ("contacts", "begin insert into contacts_archive values (old.*); return new; end", (1,)),
    "keeps_old_row": ("companies", "begin insert into companies_archive select (old).*; return new; end", (1,)),
    # these go on
    "changes_stage": (
        "deals",
        "begin if new.stage is distinct from old.stage then perform 1; end if; return new; end",
        (),
    ),
    "capitals": ("deals", "begin new.name := upper(new.name); return new; end", ()),
    "counts_its_table": (
        "deals",
        "declare n bigint; begin execute format('select count(*) from %I.%I', tg_table_schema, tg_table_name) into n; "
        "return new; end",
        (),
    ),
    "holds_a_row": ("contacts", "declare r contacts; begin r := new; return new; end", ()),
    "names_text": ('"dealNotes"', "begin perform new.text; return new; end", ()),
}
ROWS = """
insert into public.companies (id, name) values (0, 'Zero');
insert into public.contacts (id, first_name, company_id) values (0, 'Ann', 0);
insert into public.deals (id, name, company_id, stage) values (0, 'a', 0, 'lost'), (3, 'b', 0, 'won');
insert into public."dealNotes" (deal_id, text) values (0, 'rang');
create table contacts_archive (like contacts);
create table companies_archive (like companies);
create table deals_archive (like deals);
create table said (what text);
"""
RENAMED = {"deals": "opportunities", '"dealNotes"': '"opportunityNotes"'}


@dataclass(frozen=True, slots=True)
class Tried:
    """What was foretold, and what each function said when it was called before and after the migration."""

    notices: tuple[Notice, ...]
    before: Mapping[str, str]
    after: Mapping[str, str]

    def lines(self, name: str) -> list[int | None]:
        return [notice.line for notice in self.notices if notice.object.startswith(f"function public.f_{name}(")]


def _make(admin: postgres.Connection) -> None:
    admin.execute(ROWS.encode())
    for name, made in MADE.items():
        body = made.body if made.body.startswith("begin atomic") else f"as $body${made.body}$body$"
        head = f"create function f_{name}({made.arguments}) returns {made.returns} language {made.language}"
        admin.execute(f"{head} {body}".encode())
    for name, (table, body, _lines) in FIRED.items():
        admin.execute(f"create function f_{name}() returns trigger language plpgsql as $body${body}$body$".encode())
        admin.execute(
            f"create trigger {name} before update on {table} for each row execute function f_{name}()".encode()
        )
        admin.execute(f"alter table {table} disable trigger {name}".encode())


def _call(admin: postgres.Connection, *, migrated: bool) -> dict[str, str]:
    said = {}
    for name, made in MADE.items():
        said[name] = _answer(admin, made.call.format(name=f"public.f_{name}"))
    for name, (table, _body, _lines) in FIRED.items():
        real = RENAMED.get(table, table) if migrated else table
        fire = f"alter table {real} enable trigger {name}; update {table} set id = id; select * from said order by 1"
        said[name] = _answer(admin, fire)
    return said


def _answer(admin: postgres.Connection, query: str) -> str:
    try:
        with admin.transaction(force_rollback=True):
            cursor = admin.execute(query.encode())
            while cursor.nextset():
                pass
            return str(cursor.fetchall())
    except psycopg.Error as error:
        return f"{type(error).__name__}: {error.diag.message_primary}"


@pytest.fixture(scope="module")
def tried(server: Server, empty_template: str, catalog: Catalog) -> Iterator[Tried]:
    with (
        scratch_database(server, template=empty_template) as made,
        postgres.connect(made.admin_url, autocommit=True) as admin,
    ):
        _make(admin)
        notices = tuple(routines.notices(schema.describe(admin), "18.4"))
        before = _call(admin, migrated=False)
        migrate(made.url, catalog)
        yield Tried(notices, before, _call(admin, migrated=True))


def migrate(url: str, catalog: Catalog, folder: Path | None = None) -> None:
    given = inputs.load(catalog.root / "mappings", folder, options={"link_deal_contacts": False})
    with postgres.connect(url, autocommit=True) as connection:
        with connection.transaction():
            history.prepare(connection, catalog)
            inputs.store(connection, given)
            record = history.begin(connection, "test")
        context = Context(connection, catalog, Settings(), "test", "", record.backup_stamp, events.silent, lambda: None)
        for kind in plan.build(catalog).steps():
            kind.apply(context)


@pytest.mark.parametrize(
    "name", [name for name, made in MADE.items() if made.lines] + [n for n, f in FIRED.items() if f[2]]
)
def test_a_function_that_is_named_worked_before_and_breaks_after(name: str, tried: Tried) -> None:
    assert "Error" not in tried.before[name].partition(":")[0]
    assert tried.after[name] != tried.before[name]


@pytest.mark.parametrize(
    "name", [name for name, made in MADE.items() if not made.lines] + [n for n, f in FIRED.items() if not f[2]]
)
def test_a_function_that_is_not_named_gives_the_same_answer(name: str, tried: Tried) -> None:
    assert tried.after[name] == tried.before[name]


@pytest.mark.parametrize("name", [*MADE, *FIRED])
def test_the_lines_that_break_are_named_and_no_others(name: str, tried: Tried) -> None:
    expected = MADE[name].lines if name in MADE else FIRED[name][2]
    assert tried.lines(name) == list(expected)


def test_a_function_of_another_schema_is_looked_at_as_well(database: Database) -> None:
    with postgres.connect(database.admin_url) as admin:
        admin.execute("create schema app")
        admin.execute("create function app.clear() returns void language sql as $$ truncate public.deals cascade $$")
        admin.execute("create function app.other() returns int language sql as $$ select 1 $$")
        document = schema.describe(admin)
    assert [str(notice) for notice in routines.notices(document, "18.4")] == [
        "function app.clear(), line 1: truncate deals: deals is a view from then on, over table opportunities"
    ]
    assert "function app.other()" not in document


def test_the_crm_s_own_functions_are_not_named(database: Database) -> None:
    with postgres.connect(database.url) as connection:
        assert list(routines.notices(schema.describe(connection), "18.4")) == []


def test_a_text_that_cannot_be_read_is_named_as_a_whole(database: Database) -> None:
    with postgres.connect(database.admin_url) as admin:
        admin.execute("set check_function_bodies = off")
        admin.execute("create function torn() returns int language sql as $$ select 'deals $$")
        [notice] = routines.notices(schema.describe(admin), "18.4")
    assert (notice.object, notice.line) == ("function public.torn()", None)


@pytest.mark.parametrize(("version", "lines"), [("15.18", [1]), ("16.2", [1]), ("17.0", [])])
def test_a_merge_into_deals_is_named_where_the_server_cannot_merge_into_views(
    version: str, lines: list[int], database: Database
) -> None:
    with postgres.connect(database.admin_url) as admin:
        admin.execute(
            "create function m() returns void language sql as $$ merge into deals as d using companies as c "
            "on c.id = d.id when matched then update set name = 'm' $$"
        )
        assert [notice.line for notice in routines.notices(schema.describe(admin), version)] == lines


def test_postgresql_15_does_not_merge_into_a_view(server15: OtherServer) -> None:
    with postgres.connect(server15.url("postgres")) as connection:
        connection.execute("create temp table held (id int); create temp view deals as select id from held")
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            connection.execute("merge into deals using held as h on h.id = deals.id when matched then delete")


def test_a_namesake_in_another_schema_is_not_meant(database: Database) -> None:
    with postgres.connect(database.admin_url) as admin:
        admin.execute("create schema app")
        admin.execute("create table app.deals (id int); create table app.contacts (like public.contacts)")
        admin.execute(
            "create function app.keep() returns void language plpgsql as $$ begin truncate app.deals; "
            "insert into contacts_archive select * from app.contacts; end $$"
        )
        assert list(routines.notices(schema.describe(admin), "18.4")) == []


def test_text_that_nobody_can_parse_stops_nothing_and_is_not_repeated(
    database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    with postgres.connect(database.admin_url) as admin:
        deep = "(" * 3_000
        admin.execute("set check_function_bodies = off")
        admin.execute(f"create function deep() returns int language sql as $$ select {deep} deals $$".encode())
        admin.execute("create function odd() returns int language sql as $$ with x as (1) execute deals from 'Ann' $$")
        assert [notice.line for notice in routines.notices(schema.describe(admin), "18.4")] == []
    assert capfd.readouterr() == ("", "")
