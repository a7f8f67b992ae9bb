"""Are the tables built as expected, may their rows be written to, and are the names free (B4)?"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from crm_migrate import history, shapes
from crm_migrate.postgres import Connection, Server
from crm_migrate.preflight.answers import Check, listed


def built(connection: Connection, server: Server) -> Check:
    """The tables are built as the migration expects."""
    strange = () if server.migrated else shapes.strange(connection)
    return Check(
        "tables",
        not strange,
        "; ".join(strange) if strange else "built as the migration expects",
        "Give a column the type that is named, move rows of child tables and partitions into one plain table, and "
        "bring back a view that is gone."
        if strange
        else "",
    )


def unproved(connection: Connection, server: Server) -> Check:
    """A row that breaks a constraint which was never validated cannot be written to, and the night writes to it.

    A foreign key does no harm: it is asked again only where its own columns change.
    """
    broken = []
    if not server.migrated:
        rows = connection.execute(
            """
            select constraints.conname, constraints.conrelid::regclass::text, classes.relname, case constraints.contype
                when 'c' then 'not (' || pg_get_expr(constraints.conbin, constraints.conrelid) || ')'
                else quote_ident(attributes.attname) || ' is null'
            end
            from pg_catalog.pg_constraint as constraints
            inner join pg_catalog.pg_class as classes on classes.oid = constraints.conrelid
            left join pg_catalog.pg_attribute as attributes
                on attributes.attrelid = classes.oid and attributes.attnum = constraints.conkey[1]
            where constraints.contype in ('c', 'n') and not constraints.convalidated
                and classes.oid in (to_regclass('public.companies'), to_regclass('public.contacts'),
                    to_regclass('public.deals'))
            order by 2, 1
            """
        ).fetchall()
        for name, relation, table, breaks in rows:
            count = connection.execute(
                sql.SQL("select count(*) from {} where {}").format(sql.SQL(relation), sql.SQL(breaks))
            ).fetchone()
            if count and count[0]:
                broken.append(f"rows of {table} that break {name}: {count[0]:,}")
    return Check(
        "constraints",
        not broken,
        "; ".join(broken) if broken else "no row breaks one that was never validated",
        "The night writes to these rows, and the constraint would refuse them: mend them, or drop it until it is done."
        if broken
        else "",
    )


def summaries(connection: Connection, server: Server) -> Check:
    """The summaries are made anew, and a trigger or a rule would stay behind on the view of before."""
    left_behind = (
        []
        if server.migrated
        else listed(
            connection,
            """
            with summaries as (
                select oid, relname from pg_catalog.pg_class
                where relnamespace = 'public'::regnamespace and relkind = 'v'
                    and relname in ('companies_summary', 'contacts_summary')
            )
            select format('trigger %%I on %%s', triggers.tgname, summaries.relname)
            from summaries
            inner join pg_catalog.pg_trigger as triggers on triggers.tgrelid = summaries.oid
            union all
            select format('rule %%I on %%s', rules.rulename, summaries.relname)
            from summaries
            inner join pg_catalog.pg_rewrite as rules
                on rules.ev_class = summaries.oid and rules.rulename <> '_RETURN'
            order by 1
            """,
            [],
        )
    )
    return Check(
        "summaries",
        not left_behind,
        f"would not be on the new views: {', '.join(left_behind)}" if left_behind else "no trigger and no rule on them",
        "The night makes these views anew: drop it, and create it again when the night is over." if left_behind else "",
    )


def free_names(connection: Connection, server: Server, creates: Sequence[tuple[str, str]]) -> Check:
    """A customer's own object of a name that the plan needs would stop it midway."""
    if server.migrated:
        return Check("names", True, "this database is migrated already")
    taken = listed(
        connection,
        """
        select wanted.kind || ' ' || wanted.name
        from unnest(%s::text[], %s::text[]) as wanted (kind, name)
        where case wanted.kind
            when 'column' then exists (
                select from pg_catalog.pg_attribute as attributes
                where attributes.attrelid = to_regclass('public.' || quote_ident(split_part(wanted.name, '.', 1)))
                    and attributes.attname = split_part(wanted.name, '.', 2) and not attributes.attisdropped
            )
            when 'constraint' then exists (
                select from pg_catalog.pg_constraint as constraints
                where constraints.conrelid = to_regclass('public.' || quote_ident(split_part(wanted.name, '.', 1)))
                    and constraints.conname = split_part(wanted.name, '.', 2)
            )
            when 'type' then to_regtype('public.' || quote_ident(wanted.name)) is not null
            when 'function' then exists (
                select from pg_catalog.pg_proc
                where pronamespace = 'public'::regnamespace and proname = wanted.name
            )
            else to_regclass('public.' || quote_ident(wanted.name)) is not null
        end
        order by 1
        """,
        [[kind for kind, _name in creates], [name for _kind, name in creates]],
    )
    taken += _followers(connection, creates)
    if not history.exists(connection):
        taken += listed(
            connection,
            """
            select 'relation ' || name from unnest(array['migration_history', 'migration_status']) as name
            where to_regclass('public.' || name) is not null
            union all
            select 'schema ' || nspname from pg_catalog.pg_namespace where nspname in ('migration', 'migration_backup')
            """,
        )
    return Check(
        "names",
        not taken,
        f"taken by an object of your own: {', '.join(taken)}" if taken else f"all {len(creates)} new names are free",
        "The migration creates these in schema public: rename yours before it." if taken else "",
    )


def _followers(connection: Connection, creates: Sequence[tuple[str, str]]) -> list[str]:
    """Names that those on deals and dealNotes take along with their tables (`20_renames`), and that are taken."""
    return listed(
        connection,
        """
        with moved as (
            select oid as relation, relname::text as old_name,
                case relname when 'deals' then 'opportunities' else 'opportunityNotes' end as new_name
            from pg_catalog.pg_class
            where oid in (to_regclass('public.deals'), to_regclass('public."dealNotes"'))
        ),
        named as (
            select conrelid as relation, 'constraint' as kind, conname::text as name,
                contype in ('p', 'u', 'x') as is_key
            from pg_catalog.pg_constraint
            union all
            select pg_index.indrelid, 'index', pg_class.relname::text, false
            from pg_catalog.pg_index
            inner join pg_catalog.pg_class on pg_class.oid = pg_index.indexrelid
            where not exists (
                select from pg_catalog.pg_constraint as owners
                where owners.conindid = pg_index.indexrelid and owners.conrelid = pg_index.indrelid
            )
            union all
            select pg_depend.refobjid, 'sequence', pg_class.relname::text, false
            from pg_catalog.pg_depend
            inner join pg_catalog.pg_class on pg_class.oid = pg_depend.objid and pg_class.relkind = 'S'
            where pg_depend.classid = 'pg_catalog.pg_class'::regclass
                and pg_depend.refclassid = 'pg_catalog.pg_class'::regclass and pg_depend.deptype in ('a', 'i')
        ),
        followers as (
            select moved.relation, moved.old_name as legacy, named.kind, named.name, named.is_key,
                moved.new_name || substr(named.name, length(moved.old_name) + 1) as becomes
            from moved
            inner join named on named.relation = moved.relation
            where starts_with(named.name, moved.old_name || '_')
        )
        select kind || ' ' || becomes || ' (' || name || ' is to become that)'
        from followers
        where octet_length(becomes) <= 63 and (
            (kind = 'constraint' and (
                exists (
                    select from pg_catalog.pg_constraint
                    where conrelid = followers.relation and conname = followers.becomes
                )
                or legacy || '.' || becomes = any (%(constraints)s)
            ))
            or ((kind <> 'constraint' or is_key) and (
                to_regclass('public.' || quote_ident(becomes)) is not null or becomes = any (%(relations)s)
            ))
        )
        order by 1
        """,
        {f"{kind}s": [name for one, name in creates if one == kind] for kind in ("constraint", "relation")},
    )
