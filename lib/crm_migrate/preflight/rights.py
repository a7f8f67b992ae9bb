"""May this role do it: own, see, create, and give back what the window takes (B4, C8)."""

from __future__ import annotations

from contextlib import suppress

from crm_migrate import access, postgres
from crm_migrate.errors import NotAtomicCrm
from crm_migrate.maintenance import through
from crm_migrate.postgres import MAY_BECOME, Connection, Server
from crm_migrate.preflight.answers import Check, listed

_CHANGED = [
    *postgres.SOURCE_TABLES,
    *("opportunities", "opportunityNotes", "companies_summary", "contacts_summary", "init_state"),
]


def ownership(connection: Connection, server: Server) -> Check:
    """This role owns everything that is changed, or may act as its owner."""
    strange = listed(
        connection,
        f"""
        select classes.relname || ' (' || pg_get_userbyid(classes.relowner) || ')'
        from pg_catalog.pg_class as classes
        where classes.relnamespace = 'public'::regnamespace and classes.relname = any (%s)
            and classes.relkind in ('r', 'p', 'v')
            and not pg_has_role(classes.relowner, {MAY_BECOME})
        order by 1
        """,
        [_CHANGED],
    )
    return Check(
        "owner",
        not strange,
        f"role {server.role} does not own {', '.join(strange)}" if strange else f"role {server.role} may change all",
        "Connect as the owner of the tables, or as a role that is a member of it." if strange else "",
    )


def sight(connection: Connection, server: Server) -> Check:
    """No policy hides rows from this role, or from the tables' owner, whose the night is (source-schema.md, oddity 8).

    The dump is this role's.
    """
    blind = {server.role: _unseen(connection)}
    with connection.transaction(force_rollback=True), suppress(NotAtomicCrm):  # `ownership` tells of that
        postgres.act_as_owner(connection)
        blind |= {role: _unseen(connection) for role in listed(connection, "select current_user::text")}
    said = [f"role {role} does not see every row of {', '.join(names)}" for role, names in blind.items() if names]
    return Check(
        "rows",
        not said,
        "; ".join(said) if said else "no policy hides rows",
        "Grant it SELECT on what is another role's, named behind it; where a table forces row-level security on its "
        "owner, let an administrator give that role BYPASSRLS; the dump has to hold all of schema public."
        if said
        else "",
    )


def _unseen(connection: Connection) -> list[str]:
    """What the current role does not see every row of."""
    return listed(
        connection,
        """
        select relname || case when pg_has_role(relowner, 'usage') then '' else format(' (%s)', relowner::regrole) end
        from pg_catalog.pg_class as classes
        where relnamespace = 'public'::regnamespace
            and not exists (select from pg_catalog.pg_depend where objid = classes.oid and deptype = 'e')
            and case
                when relkind = 'S' then not has_sequence_privilege(oid, 'select')
                when relkind in ('r', 'p', 'm') then row_security_active(oid) or not has_table_privilege(oid, 'select')
            end
        order by 1
        """,
    )


def creation(connection: Connection, server: Server) -> Check:
    """The owner of the tables may create what is new."""
    row = connection.execute(
        """
        select has_database_privilege(owner, current_database(), 'create'),
            has_schema_privilege(owner, 'public', 'create')
        from (select relowner as owner from pg_catalog.pg_class where oid = to_regclass('public.contacts')) as tables
        """
    ).fetchone()
    database, schema = row or (False, False)
    missing = [
        name
        for name, may in ((f"database {server.database}", database), ("schema public", schema))
        if not may
    ]  # fmt: skip
    return Check(
        "create",
        not missing,
        f"the owner of the tables may not create in {' and '.join(missing)}"
        if missing
        else "schemas, tables and types",
        "An administrator grants CREATE on " + " and ".join(missing) + " to the owner of the tables."
        if missing
        else "",
    )


def grants(connection: Connection, _server: Server) -> Check:
    """Write privileges that only their grantor can give back, for what the window closes (C8)."""
    found = listed(
        connection,
        f"""
        with closed as (
            select classes.oid, classes.relname, classes.relowner, entries.acl
            from pg_catalog.pg_class as classes
            cross join lateral (
                select classes.relacl as acl
                union all
                select attributes.attacl from pg_catalog.pg_attribute as attributes
                where attributes.attrelid = classes.oid and not attributes.attisdropped
            ) as entries
            where classes.relnamespace = 'public'::regnamespace and classes.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
            union all
            select relation, name, owner, acl from ({through.RELATIONS}) as elsewhere where pg_has_role(owner, 'usage')
        )
        select distinct format('%%s by %%s', closed.relname, pg_get_userbyid(privileges.grantor))
        from closed
        cross join lateral aclexplode(closed.acl) as privileges
        where privileges.privilege_type in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'USAGE')
            and privileges.grantor <> closed.relowner and not pg_has_role(privileges.grantor, {MAY_BECOME})
        order by 1
        """,
        [],
    )
    return Check(
        "grants",
        not found,
        f"privileges on {', '.join(found)} could not be given back as they are" if found else "all can be given back",
        "Connect as a member of those grantors, or let the tables' owner grant instead." if found else "",
    )


def column_grants(connection: Connection, server: Server) -> Check:
    """Who reads single columns of a deal, which a view cannot serve."""
    found = () if server.migrated else access.readers_of_columns(connection)
    return Check(
        "column grants",
        True,
        f"single columns are read by {', '.join(found)}" if found else "nobody reads single columns of a deal",
        "Through the old names they will read nothing, since PostgreSQL asks for every column behind a view: let them "
        "read opportunities and opportunityNotes, where their columns stay theirs, or grant them the whole table."
        if found
        else "",
    )
