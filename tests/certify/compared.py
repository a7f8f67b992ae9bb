"""What is compared: all that has to be the same in the end, and all that a dead runner leaves."""

from __future__ import annotations

import hashlib
from typing import Any

from psycopg import sql

from certify.bench import DATABASE, Bench
from crm_migrate import execute, postgres
from nights import state

_HISTORY = """
    select phase, step, status, rows_done, rows_total, cursor_key, error from public.migration_history order by 1, 2
"""
_COPIES = """
    select relname from pg_catalog.pg_class
    where relnamespace = 'migration_backup'::regnamespace and relkind = 'r' order by 1
"""
_BATCHES = "select phase, step, low, high, rows, rejected from migration.batches order by 1, 2, 3, 4"
_DATABASE = """
    select coalesce(roles.rolname, 'public'), entries.privilege_type, entries.is_grantable, databases.datconnlimit
    from pg_catalog.pg_database as databases
    cross join lateral aclexplode(coalesce(databases.datacl, acldefault('d', databases.datdba))) as entries
    left join pg_catalog.pg_roles as roles on roles.oid = entries.grantee
    where databases.datname = current_database() order by 1, 2
"""
_SEQUENCES = """
    select sequencename, last_value from pg_catalog.pg_sequences
    where schemaname = 'public'
        and sequencename ~ '^(companies|contacts|contactNotes|opportunities|opportunityNotes|sales|tags|tasks)_id_seq$'
    order by 1
"""
_STATE_TABLES = """
    select relnamespace::regnamespace::text, relname from pg_catalog.pg_class
    where relkind = 'r' and (
        relnamespace in (to_regnamespace('migration'), to_regnamespace('migration_backup'))
        or oid = to_regclass('public.migration_history')
    ) and relname <> all ('{events,progress}')
    order by 1, 2
"""
_OF_THE_CALL = [  # times, surrogate keys, the process, what is the run's own, and what PostgreSQL counted
    *("id", "at", "started_at", "finished_at", "created_at", "updated_at", "seconds", "closed_at", "until", "made_at"),
    *("host", "pid", "run_id", "backup_stamp", "copy_name", "error", "relation"),  # tables are told by relation_name
    *("calls", "counted_since", "seen_at", "used_at"),
]


def everything(bench: Bench) -> dict[str, Any]:
    """All that has to be the same in the end.

    Left out are times, events, and in new tables the surrogate keys and their sequences: a batch that was rolled back
    leaves a gap there.
    """
    url = bench.server.url(DATABASE)
    found = state(url)
    with postgres.connect(url) as connection:
        rejects = connection.execute("select count(*) from migration.rejects").fetchone()
        run = execute.load(next(path for path in bench.settings.reports.iterdir() if path.is_dir()))
        return {
            "objects": found.objects,
            "rows": found.rows,
            "rights": found.rights,
            "history": connection.execute(_HISTORY).fetchall(),
            "copies": [(name.rpartition("_")[0], _count(connection, name)) for (name,) in connection.execute(_COPIES)],
            "sequences": connection.execute(_SEQUENCES).fetchall(),
            "database": connection.execute(_DATABASE).fetchall(),
            "rejects": rejects,
            "batches": connection.execute(_BATCHES).fetchall(),
            "window": connection.execute("select count(*) from migration.window_state").fetchall(),
            "runs": connection.execute("select status, stage from migration.runs").fetchall(),
            "run.json": (run.status, run.stage, [(step.phase, step.step, step.status) for step in run.steps]),
        }


def differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """In words, by part."""
    differing = []
    for name, value in wanted.items():
        if found[name] == value:
            continue
        inner = ""
        if isinstance(value, dict):
            inner = ", ".join(
                sorted(str(key) for key in {*value, *found[name]} if value.get(key) != found[name].get(key))[:5]
            )
        elif isinstance(value, list):
            inner = str([row for row in found[name] if row not in value][:3])
        differing.append(f"{name} differ: {inner}")
    return differing


def left(bench: Bench) -> dict[str, str]:
    """Fingerprints of what a dead runner has left in the database: objects, rows, rights, state, each for itself."""
    url, run = bench.server.url(DATABASE), next(path.name for path in bench.settings.reports.iterdir() if path.is_dir())
    found = state(url)
    parts: dict[str, Any] = {
        "objects": sorted(found.objects.items()),
        "rows": sorted(found.rows.items()),
        "rights": sorted(found.rights),
    }
    with postgres.connect(url) as connection:
        parts["database"] = connection.execute(_DATABASE).fetchall()
        parts["sequences"] = connection.execute(_SEQUENCES).fetchall()
        for schema, table in connection.execute(_STATE_TABLES).fetchall():
            name = table.rpartition("_")[0] if schema == "migration_backup" else table
            parts[f"{schema}.{name}"] = connection.execute(
                sql.SQL(
                    "select ((to_jsonb(kept) - %s::text[]) #- '{{facts,error}}')::text from {} as kept order by 1"
                ).format(sql.Identifier(schema, table)),
                [[] if schema == "migration_backup" else _OF_THE_CALL],
            ).fetchall()
    return {
        name: hashlib.sha256(repr(value).replace(run, "").replace(str(bench.folder), "").encode()).hexdigest()[:12]
        for name, value in parts.items()
    }


def finished(bench: Bench) -> int:
    """How many batches were finished so far."""
    with bench.inside() as connection:
        if connection.execute("select to_regclass('migration.batches')").fetchone() == (None,):
            return 0
        row = connection.execute("select count(*) from migration.batches").fetchone()
    assert row is not None
    return int(row[0])


def _count(connection: postgres.Connection, copy: str) -> int:
    name = sql.Identifier("migration_backup", copy)
    row = connection.execute(sql.SQL("select count(*) from {}").format(name)).fetchone()
    assert row is not None
    return int(row[0])
