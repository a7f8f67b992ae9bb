"""Objects and rights as the night certified them, and whether they work (D4).

What the night leaves behind when it opens the window is written down once; whoever verifies later compares with that,
so that a policy, a grant, an index, a trigger or a body that is lost or changed since has a name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from crm_migrate import access, compatibility, faults, files, maintenance, postgres, schema
from crm_migrate.postgres import API_ROLES, SOURCE_TABLES, Connection
from crm_migrate.schema import Document
from crm_migrate.verify.value import Result

FILE = "catalogue.json"
FUNCTIONS = (
    "validate_principal_organization",
    "get_contact_organizations",
    "get_organization_contacts",
    "add_contact_to_organization",
    "add_principal_advocacy",
    "soft_delete_company",
    "create_opportunity_with_participants",
    "sync_opportunity_participants",
    "get_opportunity_with_participants",
    "log_engagement",
    "log_interaction",
    "convert_engagement_to_interaction",
    "get_activity_timeline",
    "get_distributor_products",
    "get_principal_distributors",
    "add_product",
)
"""Functions of target-schema.md; a customer's own are not called."""
_OWNED = """
    select format('owner of %s', classes.oid::regclass), pg_get_userbyid(classes.relowner)::text
    from pg_catalog.pg_class as classes
    where classes.relnamespace = 'public'::regnamespace and classes.relkind in ('r', 'p', 'v', 'm', 'S')
        and classes.relname not in ('migration_history', 'migration_status')
    union all
    select format('owner of %s', functions.oid::regprocedure), pg_get_userbyid(functions.proowner)::text
    from pg_catalog.pg_proc as functions
    where functions.pronamespace = 'public'::regnamespace
    union all
    select format('function %s', functions.oid::regprocedure), pg_get_functiondef(functions.oid)
    from pg_catalog.pg_proc as functions
    inner join pg_catalog.pg_namespace as namespaces on namespaces.oid = functions.pronamespace
    where namespaces.nspname = 'migration' and functions.prorettype = 'trigger'::regtype
"""
_OLD = (*SOURCE_TABLES, "opportunities", "opportunityNotes")
_RIGHT = "right "
_GUARDING = ("policy ", "trigger ", "rule ", _RIGHT)  # one that came since changes what others may do, or what is done
_BROKEN = ("42", "0A", "XX")  # classes of SQLSTATE that tell of a broken object, not of an argument that is refused
_LACKING = "42501"  # insufficient_privilege


@dataclass(frozen=True, slots=True)
class _Certified:
    """What `catalogue.json` holds: the server's major version, the sequences that lagged, every object and right."""

    server: int
    behind: list[str]
    objects: dict[str, str]


def _certified(path: Path) -> _Certified:
    return files.read_value(path, _Certified, hint="Bring it back from a copy of the run's folder.")


def save(connection: Connection, folder: Path) -> None:
    """Certify the objects and rights of now, in the transaction that opens the window."""
    certified = _Certified(connection.info.server_version // 10_000, _behind(connection), read(connection))
    files.write_json(folder / FILE, asdict(certified))


def read(connection: Connection) -> Document:
    """Every object as `objects` has it, and every right."""
    return objects(connection) | {
        f"{_RIGHT}{entry.privilege} on {entry.object}{'.' + entry.column if entry.column else ''} "
        f"of {entry.grantee or 'public'}": f"grantable {entry.grantable}"
        for entry in sorted(access.privileges(connection))
    }


def objects(connection: Connection) -> Document:
    """Every object of schema public with its definition and owner, and what the migration's own triggers call."""
    with postgres.search_path(connection, "public"):
        rows = connection.execute(_OWNED.encode()).fetchall()
    return schema.describe(connection) | {str(name): str(text) for name, text in rows}


def as_certified(connection: Connection, folder: Path) -> Iterator[Result]:
    """Name what was lost, changed or let in since the window was opened; nothing where it was not opened yet.

    A customer's own new tables, views and functions are no fault. While the window is closed rights are not compared.

    Raises:
        DamagedFile: what was certified can no longer be read.
    """
    path = folder / FILE
    if not path.exists():
        return
    certified = _certified(path)
    if certified.server != connection.info.server_version // 10_000:
        yield Result("objects and rights", True, "not compared: the server is another version since")
        return
    gone = compatibility.retired(connection)  # `cleanup` took them away, and their rights with them
    before = {name: text for name, text in certified.objects.items() if not compatibility.speaks_of(gone, name)}
    now = read(connection)
    if maintenance.is_closed(connection):
        before, now = ({name: one[name] for name in one if not name.startswith(_RIGHT)} for one in (before, now))
    lost = [f"{name} is missing" for name in before if name not in now]
    changed = [f"{name} was changed" for name in before if now.get(name, before[name]) != before[name]]
    own = _tables(now) - _tables(before)
    came = [
        f"{name} was added"
        for name in now
        if name not in before and name.startswith(_GUARDING) and not any(table in name for table in own)
    ]
    problems = [*lost, *changed, *came]
    yield Result(
        "objects and rights",
        not problems,
        "; ".join(problems) if problems else f"{len(before):,} objects and rights as the night left them",
    )


def _tables(document: Document) -> set[str]:
    """Relations and functions, as they are written behind `on` or before a dot."""
    return {name.partition(" ")[2] for name in document if name.startswith(("relation ", "function "))}


def sequences(connection: Connection, folder: Path) -> Result:
    """No sequence may give out an id that is taken, but those that lagged before (source-schema.md, oddity 16).

    Ids that users have chosen themselves since are theirs.
    """
    path = folder / FILE
    behind = _behind(connection)
    if path.exists():
        excused = set(_certified(path).behind)
    else:
        excused = {f"{name}_id_seq" if name.islower() else f'"{name}_id_seq"' for name in _OLD}
    wrong = [name for name in behind if name.removeprefix("public.") not in excused]
    detail = f"behind the ids of their tables: {', '.join(wrong)}" if wrong else "none is behind that was not before"
    return Result("sequences", not wrong, detail)


def _behind(connection: Connection) -> list[str]:
    """Sequences that would give out an id that is taken, and not by a row that users have made since."""
    noted = connection.execute("select to_regclass('migration.changes') is not null").fetchone() == (True,)
    rows = connection.execute(
        """
        select sequences.oid::regclass::text, tables.oid::regclass::text, tables.relname::text, columns.attname::text
        from pg_catalog.pg_class as sequences
        inner join pg_catalog.pg_depend as dependencies
            on dependencies.objid = sequences.oid and dependencies.classid = 'pg_catalog.pg_class'::regclass
                and dependencies.deptype in ('a', 'i')
        inner join pg_catalog.pg_class as tables on tables.oid = dependencies.refobjid
        inner join pg_catalog.pg_attribute as columns
            on columns.attrelid = tables.oid and columns.attnum = dependencies.refobjsubid
        where sequences.relkind = 'S' and sequences.relnamespace = 'public'::regnamespace
        order by 1
        """
    ).fetchall()
    behind = []
    for sequence, table, relation, column in rows:
        query = f'select last_value >= coalesce((select max("{column}") from {table}), last_value) from {sequence}'
        ahead = connection.execute(query.encode()).fetchone()
        if ahead == (False,) and noted:
            without = (
                f'select last_value >= coalesce((select max("{column}") from {table} where not exists ('
                f'select from migration.changes where relation = %s and key = {table}."{column}" '
                f"and first_operation = 'INSERT')), last_value) from {sequence}"
            )
            ahead = connection.execute(without.encode(), [relation]).fetchone()
        if ahead == (False,):
            behind.append(str(sequence).removeprefix("public."))
    return behind


def works(connection: Connection, own: Collection[str]) -> Iterator[Result]:
    """Call every view and every function of the migration as each role that may; all of it is rolled back.

    A function is called without arguments' values: that it refuses them is an answer, that it names what is not there
    is none. A view is read once to its end, and asked by the other roles for its rights. That a privilege is lacking is
    an answer where a table of before refuses the role as well; which rights there are is compared on its own.

    Args:
        own: names of the views to call; what a customer's own views answered before is not known.
    """
    closed = maintenance.is_closed(connection)
    views = [
        str(row[0])
        for row in connection.execute(
            "select oid::regclass from pg_catalog.pg_class "
            "where relnamespace = 'public'::regnamespace and relkind = 'v' and relname = any (%s) order by 1",
            [list(own)],
        )
    ]
    functions = connection.execute(
        """
        select oid::regprocedure::text, format('%%I.%%I(%%s)', 'public', proname, (
            select string_agg('null::' || format_type(kind, null), ', ' order by place)
            from unnest(proargtypes) with ordinality as arguments (kind, place)
        ))
        from pg_catalog.pg_proc
        where pronamespace = 'public'::regnamespace and proname = any (%s) and prorettype <> 'trigger'::regtype
        order by 1
        """,
        [list(FUNCTIONS)],
    ).fetchall()
    broken: list[str] = []
    calls = 0
    read: set[str] = set()
    for role in _roles(connection):
        refused = _is_refused(connection, role)
        for view in views:
            if _may(connection, "select has_table_privilege(%s, %s, 'select')", role, view):
                calls += 1
                query = f"select * from {view} limit {int(view not in read)}"
                broken += _called(connection, role, view, query, excused=_LACKING if refused else "")
                read.add(view)
        for name, call in functions:
            if _may(connection, "select has_function_privilege(%s, %s::regprocedure, 'execute')", role, name):
                calls += 1
                excused = _LACKING if closed or refused else ""
                broken += _called(connection, role, name, f"select * from {call}", excused=excused)
    yield Result(
        "views and functions work", not broken, "; ".join(broken) if broken else f"{calls:,} calls, role by role"
    )


def _roles(connection: Connection) -> list[str]:
    rows = connection.execute(
        "select rolname::text from pg_catalog.pg_roles where rolname = any (%s) "
        "and pg_has_role(current_user, oid, 'member') order by 1",
        [list(API_ROLES)],
    )
    return [str(row[0]) for row in rows]


def _may(connection: Connection, question: str, role: str, name: str) -> bool:
    row = connection.execute(question.encode(), [role, name]).fetchone()
    return bool(row and row[0])


def _is_refused(connection: Connection, role: str) -> bool:
    """Whether a table of before, by its name now, does not answer a role for want of a privilege."""
    tables = connection.execute(
        "select oid::regclass::text from pg_catalog.pg_class "
        "where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname = any (%s)",
        [list(_OLD)],
    ).fetchall()
    errors = (_asked(connection, role, f"select * from {table} limit 0") for (table,) in tables)
    return any(error is not None and error.sqlstate == _LACKING for error in errors)


def _called(connection: Connection, role: str, name: str, query: str, *, excused: str) -> Iterator[str]:
    error = _asked(connection, role, query)
    state = "" if error is None else error.sqlstate or ""
    if state.startswith(_BROKEN) and state != excused:
        yield f"{name} as {role}: {type(error).__name__}"


def _asked(connection: Connection, role: str, query: str) -> psycopg.Error | None:
    """What comes of a query of a role, which is rolled back."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
            connection.execute(query.encode())
    except psycopg.Error as error:
        return error
    return None


def critical(connection: Connection, run_id: str, before: Document) -> Iterator[Result]:
    """What must hold before anybody works, each its own line.

    Args:
        before: the catalogue of the database before the first change; where deals had no policy, none is missed.
    """
    guarded = any(name.startswith("policy deals.") for name in before)
    for name, question, wrong in _CRITICAL:
        try:
            row = connection.execute(question.encode(), {"run_id": run_id, "guarded": guarded}).fetchone()
            ok = bool(row and row[0])
            detail = "yes" if ok else wrong
        except psycopg.Error as error:
            if faults.is_of_the_moment(error):
                raise
            ok, detail = False, f"could not be asked: {type(error).__name__}"
        yield Result(name, ok, detail)


_CRITICAL = (
    (
        "opportunities has a policy",
        "select exists (select from pg_catalog.pg_policy where polrelid = 'public.opportunities'::regclass) "
        "or not %(guarded)s",
        "there is none, so that nobody sees a row",
    ),
    (
        "opportunities_summary answers",
        "select (select count(*) from (select id from public.opportunities_summary limit 1) as read) "
        "= least(1, (select count(*) from (select id from public.opportunities where deleted_at is null limit 1) "
        "as there))",
        "it shows no opportunity",
    ),
    (
        "check_principal_organization fires",
        "select exists (select from pg_catalog.pg_trigger where tgname = 'check_principal_organization' "
        "and tgenabled in ('O', 'A'))",
        "the trigger is missing or disabled",
    ),
    (
        "batched loads are complete",
        "select not exists (select from public.migration_history where step like 'load:%%' "
        "and (status <> 'completed' or rows_done <> rows_total) and run_id = %(run_id)s)",
        "a load has not reached its last row",
    ),
)
