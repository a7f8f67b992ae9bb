"""Back to the dump, in the same database, in one transaction: it is all as it was, or nothing was changed (E1, E2).

Relations of schema public are dropped and made again. Routines and types that are still those of the dump stay, so that
what hangs on them from outside (the triggers on auth.users, columns of the copies) is not touched. Other schemas, the
extensions, the history and the copies in migration_backup stay as they are.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from crm_migrate import access, postgres, schema, tools
from crm_migrate.backup import contents, outside, proof
from crm_migrate.backup.dump import Dump
from crm_migrate.errors import Refused, Undone, UsageError
from crm_migrate.events import Event, Sink
from crm_migrate.postgres import Connection

_RELATIONS = (
    ("v", "view"),
    ("m", "materialized view"),
    ("r", "table"),
    ("p", "table"),
    ("f", "foreign table"),
    ("S", "sequence"),
)
# What may stay: catalogue, kind, oid, name in the schema document, name for SQL; to be asked without a search_path.
_KEPT = """
    select 1255, 'routine', routines.oid::bigint, format('function %s', routines.oid::regprocedure),
        routines.oid::regprocedure::text
    from pg_catalog.pg_proc as routines
    where routines.pronamespace = 'public'::regnamespace
        and not exists (select from pg_catalog.pg_depend where objid = routines.oid and deptype in ('e', 'i'))
    union all
    select 1247, 'type', types.oid::bigint, format('type %I', types.typname), types.oid::regtype::text
    from pg_catalog.pg_type as types
    left join pg_catalog.pg_class as classes on classes.oid = types.typrelid
    where types.typnamespace = 'public'::regnamespace
        and (types.typtype in ('d', 'e', 'r') or types.typtype = 'c' and classes.relkind = 'c')
        and not exists (select from pg_catalog.pg_depend where objid = types.oid and deptype in ('e', 'i'))
"""


def restore(
    url: str,
    dump: Dump,
    *,
    emit: Sink,
    stamp: str | None = None,
    rows: Mapping[str, int] | None = None,
    note: Callable[[Connection], None] = lambda connection: None,
) -> None:
    """Bring schema public back to what it was when the dump was made.

    Whatever was written since is lost. A window that was closed then is closed now, and opening it gives back what it
    would have given back then.

    Args:
        stamp: of the run's backup tables, whose fingerprints tell whether the rows are those of then; None without.
        rows: how many each table held then; None where nobody knows.
        note: writes down that the dump is back, in the transaction that brings it.

    Raises:
        Refused: it is another database, or something in another schema would be lost; nothing was changed.
        Undone: the restore failed or its outcome is not what was dumped; nothing was changed.
    """
    with postgres.connect(url, purpose="restore") as connection:
        server = postgres.who_am_i(connection)
        if server.database != dump.database:
            raise Refused(
                f"the dump is of database {dump.database}, this is {server.database}", hint="Give the right database."
            )
        postgres.act_as_owner(connection)
        _require_own_publications(connection)
        connection.commit()
        program = tools.find("pg_restore", server_version=server.version)
        if program is None:
            raise UsageError("there is no pg_restore that fits this server", hint="`crm-migrate doctor` says which.")
        try:
            with connection.transaction(), tempfile.TemporaryDirectory() as scratch:
                postgres.set_limits(
                    connection,
                    {
                        "lock_timeout": "60s",
                        "statement_timeout": "0",
                        "idle_in_transaction_session_timeout": "0",
                    },
                )
                taken = () if stamp is None else proof.of_run(connection, stamp)
                entries = contents.entries(program, dump.path)
                _drop(connection, dump, {(entry.catalog, entry.oid) for entry in entries}, emit)
                listed = Path(scratch) / "list"
                listed.write_text("".join(f"{line}\n" for line in _missing(connection, entries)))
                for section in ("pre-data", "data", "post-data"):
                    emit(Event("step", "restore", section))
                    with contents.script(program, dump.path, f"--section={section}", f"--use-list={listed}") as lines:
                        contents.run(connection, lines, old=server.version < 170_000, emit=emit)
                hang_up_again(connection, dump)
                access.set_to(connection, dump.privileges)
                close_as_then(connection, dump)
                proof.prove(connection, dump, taken=taken, rows=rows or {}, emit=emit)
                note(connection)
        except psycopg.Error as error:
            reason = (error.diag.message_primary or str(error) or type(error).__name__).splitlines()[0]
            raise Undone(
                f"the restore failed and was undone: {reason}",
                hint="Nothing was changed; mend the cause and try again.",
            ) from error


def _require_own_publications(connection: Connection) -> None:
    """A table that is dropped and made again leaves the publications that list it; only their owner can put it back."""
    rows = connection.execute(
        """
        select distinct publications.pubname::text
        from pg_catalog.pg_publication_rel as listed
        inner join pg_catalog.pg_publication as publications on publications.oid = listed.prpubid
        inner join pg_catalog.pg_class as classes on classes.oid = listed.prrelid
        where classes.relnamespace = 'public'::regnamespace and not pg_has_role(publications.pubowner, 'member')
        order by 1
        """
    ).fetchall()
    if rows:
        raise Refused(
            f"a restore would take tables out of publication {', '.join(name for (name,) in rows)}, which is not ours",
            hint="Take the migration back in place (without --restore): that keeps them.",
        )


def _drop(connection: Connection, dump: Dump, archived: set[tuple[int, int]], emit: Sink) -> None:
    """Drop all relations, and the routines and types that are not those of the dump."""
    before, now = outside.hanging(connection), schema.describe(connection)
    for kind, what in _RELATIONS:
        names = [
            name
            for (name,) in connection.execute(
                """
                select format('public.%%I', classes.relname) from pg_catalog.pg_class as classes
                where classes.relnamespace = 'public'::regnamespace and classes.relkind::text = %s
                    and classes.relname not in ('migration_history', 'migration_status') and not classes.relispartition
                    and not exists (
                        select from pg_catalog.pg_depend where objid = classes.oid and deptype in ('e', 'i')
                    )
                """,
                [kind],
            )
        ]
        if names:
            connection.execute(f"drop {what} if exists {', '.join(names)} cascade".encode())
    connection.execute("select set_config('search_path', '', true)")
    for catalog, what, oid, documented, name in connection.execute(_KEPT.encode()).fetchall():
        if (catalog, oid) not in archived or dump.document.get(documented) != now.get(documented):
            connection.execute(f"drop {what} if exists {name} cascade".encode())
    forever = [thing.name for thing in outside.lost(connection, before) if thing.name not in dump.outside]
    if forever:
        raise Refused(
            f"the restore would take along, and could not bring back: {', '.join(forever)}",
            hint="Keep their definitions, drop them yourself, and make them again afterwards.",
        )
    emit(Event("step", "restore", "what stood in schema public is dropped, not committed yet"))


def _missing(connection: Connection, entries: tuple[contents.Entry, ...]) -> Iterator[str]:
    """The lines whose object is not there any more."""
    still: dict[int, set[int]] = {}
    for catalog in {entry.catalog for entry in entries if entry.catalog}:
        row = connection.execute("select %s::oid::regclass::text", [catalog]).fetchone()
        assert row is not None
        query = sql.SQL("select oid::bigint from {} where oid = any (%s)").format(sql.Identifier("pg_catalog", row[0]))
        wanted = [entry.oid for entry in entries if entry.catalog == catalog]
        still[catalog] = {oid for (oid,) in connection.execute(query, [wanted])}
    return (entry.line for entry in entries if entry.oid not in still.get(entry.catalog, ()))


def hang_up_again(connection: Connection, dump: Dump) -> None:
    """Make again what lay outside schema public and went with the cascade."""
    there = {thing.name for thing in outside.hanging(connection)}
    for name, statement in dump.outside.items():
        if name not in there:
            connection.execute(statement.encode())


def close_as_then(connection: Connection, dump: Dump) -> None:
    """Let the window's note be that of the dump: its relations have other oids now."""
    row = connection.execute("select to_regclass('migration.window_grants') is not null").fetchone()
    if not (row and row[0]):
        return
    connection.execute("delete from migration.window_grants")
    if not dump.window:
        connection.execute("delete from migration.window_state where not exists (select from migration.window_others)")
        return
    connection.execute("insert into migration.window_state default values on conflict (is_closed) do nothing")
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            insert into migration.window_grants
            select classes.oid, classes.relname, classes.relkind, coalesce(attributes.attnum, 0), %(column)s,
                coalesce(to_regrole(quote_ident(%(grantee)s)), 0::oid::regrole),
                coalesce(to_regrole(quote_ident(%(grantor)s)), classes.relowner::regrole),
                %(grantor)s::text is null, %(privilege)s, %(grantable)s
            from pg_catalog.pg_class as classes
            left join pg_catalog.pg_attribute as attributes
                on attributes.attrelid = classes.oid and attributes.attname = %(column)s and attributes.attnum > 0
            where classes.oid = to_regclass('public.' || quote_ident(%(relation)s))
                and (%(grantee)s::text is null or to_regrole(quote_ident(%(grantee)s)) is not null)
            """,
            [
                dict(zip(("relation", "column", "grantee", "grantor", "privilege", "grantable"), entry, strict=True))
                for entry in dump.window
            ],
        )
