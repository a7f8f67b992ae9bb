"""Privileges on relations of schema public: what lets others write is noted, taken away, and given back exactly (C8).

A relation is found again by its oid, which outlives a rename; by its name, if it was dropped and made again.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from psycopg import sql

from crm_migrate.errors import Refused
from crm_migrate.maintenance import noted
from crm_migrate.maintenance.noted import Grant, as_role
from crm_migrate.postgres import MAY_BECOME, Connection

# Privileges of others than the owner on relations, one row each; column 0 is the whole relation.
_GRANTED = """
    select classes.oid as relation, classes.relname::text as relation_name, classes.relkind::text as relation_kind,
        entries.column_number, entries.column_name, privileges.grantee, privileges.grantor,
        privileges.grantor = classes.relowner as by_owner, privileges.privilege_type as privilege,
        privileges.is_grantable as grantable
    from pg_catalog.pg_class as classes
    cross join lateral (
        select 0::smallint as column_number, '' as column_name, classes.relacl as acl
        union all
        select attributes.attnum, attributes.attname::text, attributes.attacl
        from pg_catalog.pg_attribute as attributes
        where attributes.attrelid = classes.oid and attributes.attnum > 0 and not attributes.attisdropped
    ) as entries
    cross join lateral aclexplode(entries.acl) as privileges
    where classes.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and privileges.grantee <> classes.relowner
"""
_WRITING = f"""
    select * from ({_GRANTED} and classes.relnamespace = 'public'::regnamespace) as granted
    where (privilege in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE') or relation_kind = 'S' and privilege = 'USAGE')
"""


def close(connection: Connection) -> int:
    """Take away what lets others write to any relation, in the caller's transaction; how many privileges that were."""
    return _take_away(connection, _WRITING, [])


def shut(connection: Connection, table: str) -> None:
    """Close one relation of schema public that was made while the window is closed; nothing where it is open.

    Runs in the caller's transaction, so that there is no moment in which others may write to it.

    Args:
        table: its name without the schema.
    """
    if noted.is_closed(connection):
        with connection.transaction():
            _take_away(connection, f"{_WRITING} and relation = to_regclass(%s)", [_quoted(table)])


def open_(connection: Connection) -> None:
    """Give back what was taken away, and forget it, in the caller's transaction.

    Relations that are gone are passed over, unless one of the same name and kind has taken their place. Roles that are
    gone are passed over as well.
    """
    rows = connection.execute(
        """
        with found as (
            select
                coalesce(classes.oid, namesakes.oid) as relation, grants.relation_kind, classes.oid is not null as same,
                grants.column_number, grants.column_name, grants.grantee, grants.grantor, grants.by_owner,
                grants.privilege, grants.grantable
            from migration.window_grants as grants
            left join pg_catalog.pg_class as classes
                on classes.oid = grants.relation
                and classes.relnamespace in ('public'::regnamespace, 'migration'::regnamespace)
            left join pg_catalog.pg_class as namesakes
                on classes.oid is null and namesakes.relnamespace = 'public'::regnamespace
                and namesakes.relname = grants.relation_name and namesakes.relkind::text = grants.relation_kind
        )
        select found.relation::regclass::text, found.relation_kind, coalesce(attributes.attname::text, ''),
            case when found.grantee <> 0 then grantees.rolname::text end,
            case when not found.by_owner then grantors.rolname::text end, found.privilege, found.grantable
        from found
        left join pg_catalog.pg_roles as grantees on grantees.oid = found.grantee
        left join pg_catalog.pg_roles as grantors on grantors.oid = found.grantor
        left join pg_catalog.pg_attribute as attributes
            on attributes.attrelid = found.relation and attributes.attnum > 0 and not attributes.attisdropped
            and found.column_number > 0
            and case when found.same then attributes.attnum = found.column_number
                else attributes.attname = found.column_name end
        where found.relation is not null
            and (found.grantee = 0 or grantees.oid is not null)
            and (found.by_owner or grantors.oid is not null)
            and (found.column_number = 0 or attributes.attnum is not null)
        order by 1, 3, 4 nulls first, 5 nulls first, 6
        """
    ).fetchall()
    given: dict[tuple[str, str], list[Grant]] = {}
    for relation, kind, *grant in rows:
        given.setdefault((relation, kind), []).append(Grant(*grant))
    for (relation, kind), due in given.items():
        give(connection, relation, due, sequence=kind == "S")
    connection.execute("delete from migration.window_grants")


def grants(connection: Connection, table: str) -> tuple[Grant, ...]:
    """What others than its owner may do with a relation of schema public while the window is open.

    While it is closed, that is what they may do now and what was taken away; of a relation that was dropped since, what
    was taken away, by its name.

    Args:
        table: its name without the schema.
    """
    stored = "select * from migration.window_grants" if noted.is_closed(connection) else f"{_WRITING} and false"
    rows = connection.execute(
        f"""
        select coalesce(attributes.attname::text, granted.column_name),
            case when granted.grantee <> 0 then grantees.rolname::text end,
            case when not granted.by_owner then grantors.rolname::text end, granted.privilege,
            bool_or(granted.grantable)
        from ({_GRANTED} union all {stored}) as granted
        left join pg_catalog.pg_roles as grantees on grantees.oid = granted.grantee
        left join pg_catalog.pg_roles as grantors on grantors.oid = granted.grantor
        left join pg_catalog.pg_attribute as attributes
            on attributes.attrelid = granted.relation and attributes.attnum = granted.column_number
            and attributes.attnum > 0 and not attributes.attisdropped
        where (granted.grantee = 0 or grantees.oid is not null)
            and (
                granted.relation = to_regclass(%s)
                or granted.relation_name = %s
                and not exists (select from pg_catalog.pg_class as classes where classes.oid = granted.relation)
            )
        group by 1, 2, 3, 4
        order by 1, 2 nulls first, 3 nulls first, 4
        """.encode(),
        [_quoted(table), table],
    ).fetchall()
    return tuple(Grant(*row) for row in rows)


def forget(connection: Connection, table: str) -> None:
    """Forget what was taken away on one relation of schema public, when it is to have no grants any more."""
    if noted.is_closed(connection):
        connection.execute("delete from migration.window_grants where relation = to_regclass(%s)", [_quoted(table)])


def give(connection: Connection, relation: str, due: Iterable[Grant], *, sequence: bool) -> None:
    """Grant privileges, each as its grantor, those of one role in one statement.

    Args:
        relation: quoted and qualified as SQL needs it.
        due: in any order; one that rests on another's grant option comes behind that one.
        sequence: whether the relation is one; GRANT calls all others a table.

    Raises:
        Refused: this role cannot act as a grantor.
    """
    alike: dict[tuple[int, bool, str | None, str | None], list[sql.Composed]] = {}
    for grant in (listed := tuple(due)):
        key = _hands(grant, listed), grant.grantable, grant.grantor, grant.grantee
        alike.setdefault(key, []).append(_privilege(grant.privilege, grant.column))
    for (_, grantable, grantor, grantee), privileges in sorted(alike.items(), key=lambda entry: entry[0][0]):
        statement = sql.SQL("grant {} on {} {} to {} {}").format(
            sql.SQL(", ").join(privileges),
            _kind(sequence),
            sql.SQL(relation),
            _role(grantee),
            sql.SQL("with grant option" if grantable else ""),
        )
        if grantor is None:
            connection.execute(statement)
        else:
            as_role(connection, grantor, partial(connection.execute, statement))


def _hands(grant: Grant, due: tuple[Grant, ...]) -> int:
    """Through how many hands a privilege has come from the owner to its grantor."""
    if grant.grantor is None:
        return 0
    others = tuple(other for other in due if other != grant)
    sources = (
        other
        for other in others
        if (other.grantable, other.grantee, other.privilege) == (True, grant.grantor, grant.privilege)
        and other.column in ("", grant.column)
    )
    return 1 + max((_hands(source, others) for source in sources), default=0)


def _take_away(connection: Connection, query: str, parameters: list[Any]) -> int:
    """Note and revoke what `query` finds, as far as it is this role's to revoke; how many privileges that were."""
    found = connection.execute(
        f"""
        with found as ({query}), ours as (
            select found.* from found
            inner join pg_catalog.pg_class as classes on classes.oid = found.relation
            where pg_has_role(classes.relowner, 'usage')
        ), noted as (
            insert into migration.window_grants select * from ours on conflict do nothing
        )
        select relation::regclass::text, relation_kind, column_name,
            case when grantee <> 0 then pg_get_userbyid(grantee)::text end,
            case when not by_owner then pg_get_userbyid(grantor)::text end, privilege,
            by_owner or pg_has_role(grantor, {MAY_BECOME})
        from ours
        order by 1, 3, 4 nulls first, 5 nulls first, 6
        """.encode(),
        parameters,
    ).fetchall()
    taken: dict[tuple[str, str, str | None], list[sql.Composed]] = {}
    for relation, kind, column, grantee, grantor, privilege, may in found:
        if not may:
            raise Refused(
                f"{privilege} on {relation} was granted by {grantor}, and only {grantor} could give it back",
                hint=f"Connect as a member of {grantor}, or let the tables' owner grant it instead.",
            )
        if grantor is None:  # what its grantee handed on goes with it
            taken.setdefault((relation, kind, grantee), []).append(_privilege(privilege, column))
    for (relation, kind, grantee), privileges in taken.items():
        connection.execute(
            sql.SQL("revoke {} on {} {} from {} cascade").format(
                sql.SQL(", ").join(privileges), _kind(kind == "S"), sql.SQL(relation), _role(grantee)
            )
        )
    return len(found)


def still_open(connection: Connection) -> list[str]:
    """Relations that others may still write to, since they belong to a stranger."""
    query = f"select distinct relation::regclass::text from ({_WRITING}) as left_over order by 1"
    return [name for (name,) in connection.execute(query.encode())]


def _quoted(table: str) -> str:
    return sql.Identifier(*(table.split(".") if "." in table else ("public", table))).as_string(None)


def _privilege(privilege: str, column: str) -> sql.Composed:
    columns = sql.SQL("({})").format(sql.Identifier(column)) if column else sql.SQL("")
    return sql.SQL("{} {}").format(sql.SQL(privilege), columns)


def _role(name: str | None) -> sql.Composable:
    return sql.SQL("public") if name is None else sql.Identifier(name)


def _kind(sequence: bool) -> sql.SQL:
    return sql.SQL("sequence" if sequence else "table")
