"""Are the tables built as expected, and are the names free that the plan needs (B4)?"""

from __future__ import annotations

from collections.abc import Sequence

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
        "Give a column the type that is named, and move rows of child tables and partitions into one plain table."
        if strange
        else "",
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
