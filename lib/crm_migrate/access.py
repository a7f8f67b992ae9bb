"""Who may do what with the objects of schema public, as a set that can be compared, saved and set (C10, E2)."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from crm_migrate import postgres
from crm_migrate.postgres import Connection

_QUERY = """
    with listed as (
        select case classes.relkind when 'S' then 'sequence' else 'table' end as kind,
            format('public.%I', classes.relname) as object, '' as column_name,
            coalesce(
                classes.relacl,
                acldefault(case classes.relkind when 'S' then 's' else 'r' end::"char", classes.relowner)
            ) as acl, classes.oid as object_id
        from pg_catalog.pg_class as classes
        where classes.relnamespace = 'public'::regnamespace and classes.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
            and classes.relname not in ('migration_history', 'migration_status')
        union all
        select 'table', format('public.%I', classes.relname), attributes.attname::text, attributes.attacl, classes.oid
        from pg_catalog.pg_class as classes
        inner join pg_catalog.pg_attribute as attributes on attributes.attrelid = classes.oid
        where classes.relnamespace = 'public'::regnamespace
            and classes.relname not in ('migration_history', 'migration_status')
            and attributes.attnum > 0 and not attributes.attisdropped
        union all
        select 'routine',
            format('public.%I(%s)', functions.proname, pg_get_function_identity_arguments(functions.oid)), '',
            coalesce(functions.proacl, acldefault('f', functions.proowner)), functions.oid
        from pg_catalog.pg_proc as functions
        where functions.pronamespace = 'public'::regnamespace and functions.prokind <> 'a'
        union all
        select 'type', format('public.%I', types.typname), '',
            coalesce(types.typacl, acldefault('T', types.typowner)), types.oid
        from pg_catalog.pg_type as types
        where types.typnamespace = 'public'::regnamespace and types.typtype in ('d', 'e', 'r')
    )
    select listed.kind, listed.object, listed.column_name, coalesce(grantees.rolname::text, ''),
        pg_get_userbyid(entries.grantor)::text, entries.privilege_type, entries.is_grantable
    from listed
    cross join lateral aclexplode(listed.acl) as entries
    left join pg_catalog.pg_roles as grantees on grantees.oid = entries.grantee
    where not exists (
        select from pg_catalog.pg_depend where objid = listed.object_id and deptype = 'e'
    )
"""


@dataclass(frozen=True, slots=True, order=True)
class Privilege:
    """One privilege of one role on one object.

    Attributes:
        kind: table (views as well), sequence, routine or type.
        object: quoted and qualified as SQL needs it; a routine with its argument types.
        column: empty for the whole object.
        grantee: a role's name, empty for PUBLIC.
    """

    kind: str
    object: str
    column: str
    grantee: str
    grantor: str
    privilege: str
    grantable: bool


def privileges(connection: Connection) -> frozenset[Privilege]:
    """Every privilege on relations, columns, sequences, functions and types of schema public.

    An object without an access list has the privileges that PostgreSQL gives by default; they are listed. Extensions
    and the migration's own history are left out.
    """
    with postgres.search_path(connection, ""):
        return frozenset(Privilege(*entry) for entry in connection.execute(_QUERY.encode()))


def set_to(connection: Connection, wanted: frozenset[Privilege]) -> None:
    """Make the privileges of schema public those that are `wanted`, in the caller's transaction.

    What is too many is revoked, with what its grantee handed on; then what is missing is granted by its grantor.
    """
    for extra in sorted(privileges(connection) - wanted):
        _change(connection, extra, granting=False)
    missing = wanted - privileges(connection)
    for entry in sorted(missing, key=lambda entry: (not entry.grantable, entry)):
        _change(connection, entry, granting=True)


def readers_of_columns(connection: Connection) -> tuple[str, ...]:
    """Who may read some columns of deals or "dealNotes", but not the whole table: a sentence's part for each.

    Behind a view that runs with its caller's rights PostgreSQL asks for SELECT on every column that the view has, so
    these roles cannot read through the old names; on the tables under their new names their columns stay theirs.
    """
    rows = connection.execute(
        """
        select distinct format('%%s of %%s', coalesce(grantees.rolname::text, 'public'), classes.relname)
        from pg_catalog.pg_class as classes
        inner join pg_catalog.pg_attribute as attributes on attributes.attrelid = classes.oid
        cross join lateral aclexplode(attributes.attacl) as entries
        left join pg_catalog.pg_roles as grantees on grantees.oid = entries.grantee
        where classes.relnamespace = 'public'::regnamespace and classes.relname = any (%s)
            and classes.relkind in ('r', 'p') and not attributes.attisdropped and entries.privilege_type = 'SELECT'
            and (entries.grantee = 0 or not has_table_privilege(entries.grantee, classes.oid, 'select'))
        order by 1
        """,
        [["deals", "dealNotes"]],
    ).fetchall()
    return tuple(name for (name,) in rows)


def closed_leaks(connection: Connection) -> tuple[str, ...]:
    """The views that ran as their owner before the migration and run with their caller's rights now, one sentence each.

    Needs the migration's own notes; a view whose options were changed since is not told of.
    """
    rows = connection.execute(
        """
        select format(
            '%s ran with its owner''s rights and showed every row to whoever might read it (%s); now it shows each '
            'role what the role may read of the tables',
            renames.relation,
            coalesce((
                select string_agg(distinct coalesce(grantees.rolname::text, 'public'), ', ')
                from aclexplode(classes.relacl) as entries
                left join pg_catalog.pg_roles as grantees on grantees.oid = entries.grantee
                where entries.privilege_type = 'SELECT' and entries.grantee <> classes.relowner
            ), 'nobody else')
        )
        from migration.renames as renames
        inner join pg_catalog.pg_class as classes
            on classes.relnamespace = 'public'::regnamespace and classes.relname = renames.relation
        where renames.kind = 'security_invoker' and renames.old_name not in ('on', 'true', '1', 'yes')
            and classes.reloptions @> array['security_invoker=on']
        order by 1
        """
    ).fetchall()
    return tuple(sentence for (sentence,) in rows)


def _change(connection: Connection, entry: Privilege, *, granting: bool) -> None:
    statement = sql.SQL("{what} {privilege} {column} on {kind} {object} {direction} {grantee} {option}").format(
        what=sql.SQL("grant" if granting else "revoke"),
        privilege=sql.SQL(entry.privilege),
        column=sql.SQL("({})").format(sql.Identifier(entry.column)) if entry.column else sql.SQL(""),
        kind=sql.SQL(entry.kind),
        object=sql.SQL(entry.object),
        direction=sql.SQL("to" if granting else "from"),
        grantee=sql.Identifier(entry.grantee) if entry.grantee else sql.SQL("public"),
        option=sql.SQL(("with grant option" if entry.grantable else "") if granting else "cascade"),
    )
    row = connection.execute("select current_user::text").fetchone()
    assert row is not None
    connection.execute(sql.SQL("set local role {}").format(sql.Identifier(entry.grantor)))
    connection.execute(statement)
    connection.execute(sql.SQL("set local role {}").format(sql.Identifier(row[0])))
