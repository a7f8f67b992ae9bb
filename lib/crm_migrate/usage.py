"""Who still uses the old names, which application, and how often: noted now and then, shown as a curve (E3).

Two sources. PostgreSQL's statistics count each statement that reads, updates or deletes through a view, by the role it
runs as (sql/state/70_usage.sql says how). And sessions that stand in a statement with an old name, or whose last one
had it, are seen at the moment of looking, with login role and application. No text of a statement leaves the server.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from crm_migrate import compatibility, files, history
from crm_migrate.catalog import Catalog
from crm_migrate.postgres import Connection
from crm_migrate.runners import APPLICATION

QUIET_DAYS = 7
"""How long nobody may have used an old name before it goes."""


@dataclass(frozen=True, slots=True)
class Use:
    """One reader of one old name.

    Attributes:
        role: the role that statements ran as (source counter) or that signed in (source session); empty for all roles
            that had no right of their own when the migration ran.
        application: as the session called itself; empty where only PostgreSQL's counters tell of it.
        source: counter, in statements, or session, in sessions seen.
        days: count by UTC day, oldest first.
        last_at: when it was used last, or, on PostgreSQL 15, when that was noticed.
    """

    relation: str
    role: str
    application: str
    source: str
    days: tuple[tuple[date, int], ...]
    last_at: datetime

    @property
    def count(self) -> int:
        """All of its uses."""
        return sum(count for _day, count in self.days)

    @property
    def who(self) -> str:
        """Who it is, as part of a sentence."""
        of = f" from {self.application}" if self.application else ""
        return f"{self.role or 'another role'}{of}"


@dataclass(frozen=True, slots=True)
class Usage:
    """What is known of the use of the old names.

    Attributes:
        relations: the views that answer.
        counted_since: since when nothing can have escaped the counters; None where there are none.
        at: when it was looked last, by the server's clock.
        uses: the latest first.
    """

    relations: tuple[str, ...]
    counted_since: datetime | None
    at: datetime
    uses: tuple[Use, ...]


def observe(connection: Connection, catalog: Catalog, *, keep: bool = True) -> Usage:
    """Note what the counters and the sessions say now, in a transaction of its own, and return all that is known.

    Args:
        keep: whether it is noted for good; else the database is as it was.
    """
    if keep:  # a role that got its rights since gets its partition
        with connection.transaction():
            history.prepare(connection, catalog)
    connection.execute("select pg_stat_force_next_flush()")
    with connection.transaction(force_rollback=not keep):
        if connection.execute("select to_regclass('migration.use_counters')").fetchone() == (None,):
            history.prepare(connection, catalog)  # the state is that of an earlier version, whose views count nothing
        connection.execute("lock table migration.use_counters in share row exclusive mode")
        connection.execute("select pg_stat_clear_snapshot()")
        answering = compatibility.answering(connection)
        for relation in answering:
            _count(connection, relation)
            _see(connection, relation)
        for relation in answering:  # our own look is what tells next time that the counters were not set back
            connection.execute(_LOOK[relation].encode())
        found = known(connection)
    connection.execute("select pg_stat_force_next_flush()")
    return found


_NOBODY = "pg_nobody"  # counts what looks into all partitions alike, such as pg_dump
_NOT_USERS = (APPLICATION, _NOBODY)
_LOOK = {
    "deals": "select from public.deals limit 1",
    "dealNotes": 'select from public."dealNotes" limit 1',
}


_NAMED = r'\m(from|join|into|update|only)\s+("?public"?\.)?"?{}\M'


def known(connection: Connection) -> Usage:
    """All that was noted; reads only."""
    rows = connection.execute(
        """
        select relation, role, application, source, array_agg(day order by day), array_agg(count order by day),
            max(last_at)
        from migration.usage group by 1, 2, 3, 4 order by 7 desc, 1, 2, 3, 4
        """
    ).fetchall()
    facts = connection.execute(
        "select max(counted_since), coalesce(max(seen_at), clock_timestamp()) from migration.use_counters"
    ).fetchone()
    assert facts is not None
    uses = (
        Use(relation, role, application, source, tuple(zip(days, counts, strict=True)), last_at)
        for relation, role, application, source, days, counts, last_at in rows
    )
    return Usage(compatibility.answering(connection), facts[0], facts[1], tuple(uses))


CURVE_DAYS = 30
_BARS = "▁▂▃▄▅▆▇█"


def curve(counts: Mapping[date, int], last: date) -> str:
    """A mark a day, the last one at the right; a day without use is a dot."""
    shown = [counts.get(last - timedelta(days=back), 0) for back in reversed(range(CURVE_DAYS))]
    highest = max(*shown, 1)
    return "".join(_BARS[count * (len(_BARS) - 1) // highest] if count else "·" for count in shown)


def save(found: Usage, folder: Path) -> None:
    """Write `usage.json` into a run's folder, for its pages."""
    files.write_json(folder / "usage.json", document(found))


def document(found: Usage) -> dict[str, Any]:
    """It as JSON has it: days and times as text, in UTC."""
    made: dict[str, Any] = json.loads(json.dumps(asdict(found), default=_text))
    return made


def _text(value: date) -> str:
    return (value.astimezone(UTC) if isinstance(value, datetime) else value).isoformat()


def taken_away(connection: Connection) -> str:
    """When the old names were taken away, in a sentence; empty where they answer, or no migration is known."""
    gone = compatibility.retired(connection)
    if not gone or not history.exists(connection):
        return ""
    row = connection.execute(
        "select max(at) from migration.events where name = 'compatibility' and message like '%taken away'"
    ).fetchone()
    when = "" if row is None or row[0] is None else f" on {row[0].astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"The old names {' and '.join(gone)} were taken away{when}"


def _count(connection: Connection, relation: str) -> None:
    """Add what each counter has grown by; where one went back, all of them began anew, and so does what is known."""
    timed = connection.info.server_version >= 160000
    rows = connection.execute(
        f"""
        select counters.role, counters.calls, coalesce(pg_stat_get_numscans(classes.oid), 0),
            {"pg_stat_get_lastscan(classes.oid)" if timed else "null::timestamptz"}
        from migration.use_counters as counters
        inner join pg_catalog.pg_class as classes
            on classes.relname = counters.marker and classes.relnamespace = 'migration'::regnamespace
        where counters.relation = %s
        """.encode(),
        [relation],
    ).fetchall()
    set_back = any(now < before or (role == APPLICATION and not now) for role, before, now, _last in rows)
    growth = {role: now if set_back else now - before for role, before, now, _last in rows}
    for role, _before, now, last in rows:
        grown = growth[role] if role in _NOT_USERS else max(0, growth[role] - growth[_NOBODY])
        connection.execute(
            """
            update migration.use_counters
            set calls = %(now)s, seen_at = clock_timestamp(),
                counted_since = case when %(set_back)s then clock_timestamp() else counted_since end,
                used_at = case when %(grown)s > 0 then coalesce(%(last)s, clock_timestamp()) else used_at end
            where relation = %(relation)s and role = %(role)s
            """,
            {"now": now, "set_back": set_back, "grown": grown, "last": last, "relation": relation, "role": role},
        )
        if grown and role not in _NOT_USERS:
            _add(connection, relation, role, "", "counter", grown, last)


def _see(connection: Connection, relation: str) -> None:
    rows = connection.execute(
        """
        select activity.usename::text, coalesce(activity.application_name, ''), count(*),
            max(coalesce(activity.query_start, clock_timestamp()))
        from pg_catalog.pg_stat_activity as activity
        where activity.datname = current_database() and activity.pid <> pg_backend_pid()
            and activity.usename is not null
            and not starts_with(coalesce(activity.application_name, ''), %(ours)s)
            and (
                activity.query ~* %(named)s
                or exists (
                    select from pg_catalog.pg_locks as locks
                    where locks.pid = activity.pid and locks.locktype = 'relation' and locks.granted
                        and locks.relation = to_regclass(%(view)s)
                        and locks.database = (select oid from pg_catalog.pg_database where datname = current_database())
                )
            )
        group by 1, 2
        """,
        {"ours": f"{APPLICATION} ", "named": _NAMED.format(relation), "view": f'public."{relation}"'},
    ).fetchall()
    for role, application, sessions, last in rows:
        _add(connection, relation, role, application, "session", sessions, last)


def _add(
    connection: Connection, relation: str, role: str, application: str, source: str, count: int, last: datetime | None
) -> None:
    connection.execute(
        """
        insert into migration.usage as usage (day, relation, role, application, source, count, last_at)
        select cast(found.at at time zone 'UTC' as date), %s, %s, %s, %s, %s, found.at
        from (values (coalesce(%s, clock_timestamp()))) as found (at)
        on conflict (day, relation, role, application, source) do update
        set count = usage.count + excluded.count, last_at = greatest(usage.last_at, excluded.last_at)
        where excluded.source = 'counter' or excluded.last_at > usage.last_at  -- an idle session is counted once
        """,
        [relation, role, application, source, count, last],
    )
