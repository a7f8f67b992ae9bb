"""What else goes on in the server: prepared and long transactions, replication (B4)."""

from __future__ import annotations

from crm_migrate.postgres import Connection, Server
from crm_migrate.preflight.answers import Check, listed

_RENAMED = ["deals", "dealNotes"]


def prepared(connection: Connection, _server: Server) -> Check:
    """No transaction stands prepared: it would hold its locks through the night."""
    found = listed(
        connection, "select gid from pg_catalog.pg_prepared_xacts where database = current_database() order by 1"
    )
    return Check(
        "prepared transactions",
        not found,
        f"{len(found)} stand open and hold their locks" if found else "none",
        "Commit or roll back: " + ", ".join(found) if found else "",
    )


def long(connection: Connection, *, minutes: float) -> Check:
    """Who has been in a transaction for longer than `minutes`: a warning, for the window will end it."""
    found = listed(
        connection,
        """
        select format('session %%s for %%s min', pid, round(extract(epoch from clock_timestamp() - xact_start) / 60))
        from pg_catalog.pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()
            and xact_start < clock_timestamp() - make_interval(secs => %s)
        order by xact_start
        """,
        [60 * minutes],
    )
    return Check(
        "long transactions",
        True,
        "; ".join(found) if found else f"none over {minutes:g} minutes",
        "They will be ended when the window closes, as far as this role may; better end them before." if found else "",
    )


def slots(connection: Connection, _server: Server) -> Check:
    """Replication slots that nobody reads: the night's write-ahead log stays on the disk until somebody does."""
    found = listed(
        connection,
        """
        select format(
            '%s slot %s, which nobody reads, holds back %s', slot_type, slot_name, coalesce(pg_size_pretty(
                case
                    when not pg_is_in_recovery() then pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)
                end
            ), 'an unknown amount')
        )
        from pg_catalog.pg_replication_slots
        where not active
        order by slot_name
        """,
    )
    return Check(
        "replication slots",
        True,
        "; ".join(found) if found else "none that nobody reads",
        "All that the migration writes is kept for it: let its reader catch up, or drop it." if found else "",
    )


def publications(connection: Connection, _server: Server) -> Check:
    """Publications with tables that get another name: subscribers find them by name."""
    found = listed(
        connection,
        """
        select format('publication %%s lists %%s', pubname, string_agg(tablename, ' and ' order by tablename))
        from pg_catalog.pg_publication_tables
        where schemaname = 'public' and tablename = any (%s)
        group by pubname
        order by pubname
        """,
        [_RENAMED],
    )
    return Check(
        "publications",
        True,
        "; ".join(found) if found else "none lists a table that gets another name",
        "Its changes come as opportunities and opportunityNotes from then on: a subscriber needs tables of these names."
        if found
        else "",
    )
