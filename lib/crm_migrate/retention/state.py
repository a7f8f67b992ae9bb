"""The state of a migration, when nothing rests on it any more: it goes last, in one transaction (E3)."""

from __future__ import annotations

from psycopg import sql

from crm_migrate import compatibility
from crm_migrate.postgres import Connection


def remove(connection: Connection) -> None:
    """Drop the change log, the history and schemas migration, migration_backup and migration_archive.

    In the caller's transaction. Of a migrated database schema migration stays, with the two old summaries alone, on
    which the new ones stand. Nothing is dropped along: what depends on the state in another way is an error.
    """
    for name in compatibility.retired(connection):
        connection.execute(sql.SQL("drop view {}").format(sql.Identifier("migration", name)))
    connection.execute("drop view if exists public.migration_status")
    connection.execute("drop table public.migration_history")
    connection.execute("drop schema migration_backup")
    if connection.execute("select to_regnamespace('migration_archive')").fetchone() != (None,):
        connection.execute("drop table migration_archive.rows")
        connection.execute("drop schema migration_archive")
    for statement in _statements(connection):
        connection.execute(sql.SQL(statement))
    if not _summaries(connection):
        connection.execute("drop schema migration")
        return
    connection.execute(
        "comment on schema migration is 'The summaries as they were; those in schema public stand on them.'"
    )


def _statements(connection: Connection) -> list[str]:
    """Triggers of the change log first, then tables, then functions."""
    rows = connection.execute(
        """
        select statement from (
            select 1 as place, format('drop trigger %I on %s', triggers.tgname, triggers.tgrelid::regclass) as statement
            from pg_catalog.pg_trigger as triggers
            where triggers.tgfoid = 'migration.note_changes()'::regprocedure and not triggers.tgisinternal
            union all
            select 2, format('drop table %s', classes.oid::regclass)
            from pg_catalog.pg_class as classes
            where classes.relnamespace = 'migration'::regnamespace and classes.relkind in ('r', 'p')
                and not classes.relispartition
            union all
            select 3, format('drop function %s', functions.oid::regprocedure)
            from pg_catalog.pg_proc as functions
            where functions.pronamespace = 'migration'::regnamespace
        ) as listed
        order by place, statement
        """
    ).fetchall()
    return [statement for (statement,) in rows]


def _summaries(connection: Connection) -> bool:
    row = connection.execute(
        "select exists (select from pg_catalog.pg_class where relnamespace = 'migration'::regnamespace)"
    ).fetchone()
    return row == (True,)
