"""Relations elsewhere through which others write into schema public, whatever they may do there themselves (C8).

PostgreSQL asks nobody but the owner of a rule, of a foreign key or of a SECURITY DEFINER function for rights on what
they write to, and owners keep theirs while the window is closed. So a relation elsewhere reaches schema public

- by a rule: what a view or an ON INSERT rule passes on is done as the relation's owner, unless the view is a
  `security_invoker`; that owner has to be able to act as the owner of what it is passed on to;
- by a foreign key that refers to it and hands deletes or updates on, which is done as the referring table's owner;
- by inheritance: a partition's rows are the table's, and who writes to the parent is not asked about its children;
- by a trigger with a SECURITY DEFINER function that lies in public, or whose owner can act as the owner of a table
  there. Those of Supabase's own roles (storage, auth) cannot, and extensions' are none of a project's;

or through another such relation: a view on a view, a table above one that hands deletes on.
"""

from __future__ import annotations

from crm_migrate.maintenance import relations
from crm_migrate.maintenance.noted import Grant
from crm_migrate.postgres import Connection

# One row for the whole relation, and one for each of its columns that has an access list of its own.
RELATIONS = """
    with recursive writes as (
        select rules.ev_class as source, targets.oid as target
        from pg_catalog.pg_rewrite as rules
        inner join pg_catalog.pg_class as sources on sources.oid = rules.ev_class and sources.relkind <> 'm'
        inner join pg_catalog.pg_depend as depends
            on depends.classid = 'pg_catalog.pg_rewrite'::regclass and depends.objid = rules.oid
            and depends.refclassid = 'pg_catalog.pg_class'::regclass
        inner join pg_catalog.pg_class as targets on targets.oid = depends.refobjid and targets.oid <> sources.oid
        where pg_has_role(sources.relowner, targets.relowner, 'usage')
            and not (
                rules.ev_type = '1'
                and exists (
                    select from pg_options_to_table(sources.reloptions)
                    where case option_name when 'security_invoker' then option_value::boolean end
                )
            )
        union all
        select confrelid, conrelid from pg_catalog.pg_constraint
        where contype = 'f' and (confdeltype in ('c', 'n', 'd') or confupdtype in ('c', 'n', 'd'))
        union all
        select inhparent, inhrelid from pg_catalog.pg_inherits
        union all
        select inhrelid, inhparent from pg_catalog.pg_inherits
    ), reaching as (
        (
            select classes.oid as relation from pg_catalog.pg_class as classes
            where classes.relnamespace = 'public'::regnamespace
            union
            select triggers.tgrelid
            from pg_catalog.pg_trigger as triggers
            inner join pg_catalog.pg_proc as functions on functions.oid = triggers.tgfoid
            inner join pg_catalog.pg_namespace as namespaces on namespaces.oid = functions.pronamespace
            where not triggers.tgisinternal and functions.prosecdef
                and namespaces.nspname not in ('pg_catalog', 'information_schema', 'migration', 'migration_backup')
                and (
                    namespaces.nspname = 'public'
                    or exists (
                        select from pg_catalog.pg_class as tables
                        where tables.relnamespace = 'public'::regnamespace and tables.relkind in ('r', 'p')
                            and pg_has_role(functions.proowner, tables.relowner, 'usage')
                    )
                )
                and not exists (
                    select from pg_catalog.pg_depend as depends
                    where depends.classid = 'pg_catalog.pg_proc'::regclass and depends.objid = functions.oid
                        and depends.deptype = 'e'
                )
        )
        union
        select writes.source from writes inner join reaching on reaching.relation = writes.target
    )
    select classes.oid as relation, classes.relowner as owner, entries.column_number, entries.column_name, entries.acl,
        concat_ws('.', quote_ident(namespaces.nspname), quote_ident(classes.relname)) as name
    from reaching
    inner join pg_catalog.pg_class as classes on classes.oid = reaching.relation
    inner join pg_catalog.pg_namespace as namespaces on namespaces.oid = classes.relnamespace
    cross join lateral (
        select 0::smallint as column_number, '' as column_name, classes.relacl as acl
        union all
        select attributes.attnum, attributes.attname::text, attributes.attacl
        from pg_catalog.pg_attribute as attributes
        where attributes.attrelid = classes.oid and attributes.attnum > 0 and not attributes.attisdropped
            and attributes.attacl is not null
    ) as entries
    where classes.relkind in ('r', 'p', 'v', 'f')
        and namespaces.nspname not in ('public', 'migration', 'migration_backup')
"""


def open_(connection: Connection) -> None:
    """Give back what was taken away on relations elsewhere, and forget it, in the caller's transaction.

    A relation and its columns are found by their numbers, which outlive a rename; those that are gone are passed over,
    as roles that are gone are.
    """
    rows = connection.execute(
        """
        with others as (
            -- an earlier version that closed the window knew of no columns
            select object, grantee, grantor, by_owner, privilege, grantable,
                coalesce((to_jsonb(window_others) ->> 'column_number')::smallint, 0) as column_number
            from migration.window_others
            where kind = 'table'
        )
        select format('%I.%I', namespaces.nspname, classes.relname), coalesce(attributes.attname::text, ''),
            case when others.grantee <> 0 then grantees.rolname::text end,
            case when not others.by_owner then grantors.rolname::text end, others.privilege, others.grantable
        from others
        inner join pg_catalog.pg_class as classes on classes.oid = others.object
        inner join pg_catalog.pg_namespace as namespaces on namespaces.oid = classes.relnamespace
        left join pg_catalog.pg_roles as grantees on grantees.oid = others.grantee
        left join pg_catalog.pg_roles as grantors on grantors.oid = others.grantor
        left join pg_catalog.pg_attribute as attributes
            on attributes.attrelid = classes.oid and attributes.attnum = others.column_number
            and attributes.attnum > 0 and not attributes.attisdropped
        where (others.grantee = 0 or grantees.oid is not null) and (others.by_owner or grantors.oid is not null)
            and (others.column_number = 0 or attributes.attnum is not null)
        order by 1, 2, 3 nulls first, 4 nulls first, 5
        """
    ).fetchall()
    given: dict[str, list[Grant]] = {}
    for name, *grant in rows:
        given.setdefault(name, []).append(Grant(*grant))
    for name, due in given.items():
        relations.give(connection, name, due, sequence=False)
    connection.execute("delete from migration.window_others where kind = 'table'")


def still_open(connection: Connection) -> list[str]:
    """Relations elsewhere through which others may still write, since they belong to a stranger.

    Superusers are no strangers: as owners they write anyway. Whom else they let write counts.
    """
    rows = connection.execute(
        f"""
        select distinct relations.name
        from ({RELATIONS}) as relations
        inner join pg_catalog.pg_roles as owners on owners.oid = relations.owner
        where not pg_has_role(relations.owner, 'usage')
            and (
                not owners.rolsuper
                or exists (
                    select from aclexplode(relations.acl) as privileges
                    where privileges.privilege_type in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')
                        and privileges.grantee not in (relations.owner, current_user::regrole::oid)
                )
            )
        order by 1
        """.encode()
    ).fetchall()
    return [name for (name,) in rows]
