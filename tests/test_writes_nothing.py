"""Assess, dry run and decision write nothing to the source: catalogue, statistics and rows are as before (A1)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from conftest import Database, Server
from crm_migrate import embedded, postgres, workflow
from crm_migrate.settings import Settings
from nights import settings_for

# every relation of every schema with what a write would change: a new version of its own row, of a column's, its size
_CATALOGUE = """
    select classes.oid::text, classes.relname::text, classes.xmin::text, classes.relacl::text, pg_relation_size(oid),
        (
            select string_agg(attributes.attname || attributes.xmin::text, ',' order by attributes.attnum)
            from pg_catalog.pg_attribute as attributes where attributes.attrelid = classes.oid
        )
    from pg_catalog.pg_class as classes
    where classes.relkind not in ('i') and classes.relnamespace <> 'pg_toast'::regnamespace
"""
_OTHERS = """
    select tableoid::regclass::text, xmin::text, oid::text from pg_catalog.pg_proc
    union all select tableoid::regclass::text, xmin::text, oid::text from pg_catalog.pg_namespace
    union all select tableoid::regclass::text, xmin::text, oid::text from pg_catalog.pg_policy
    union all select tableoid::regclass::text, xmin::text, oid::text from pg_catalog.pg_trigger
    union all select tableoid::regclass::text, xmin::text, oid::text from pg_catalog.pg_constraint
    union all select tableoid::regclass::text, xmin::text, oid::text from pg_catalog.pg_type
"""
# of this database alone, without what the server's own housekeeping writes
_WRITTEN = """
    select statistics.relid::regclass::text, statistics.n_tup_ins, statistics.n_tup_upd, statistics.n_tup_del
    from pg_catalog.pg_stat_all_tables as statistics
    inner join pg_catalog.pg_class as classes on classes.oid = statistics.relid and not classes.relisshared
    where statistics.schemaname not in ('pg_toast', 'information_schema') and statistics.relid not in (
        'pg_catalog.pg_statistic'::regclass, 'pg_catalog.pg_class'::regclass, 'pg_catalog.pg_index'::regclass
    )
"""


def fingerprint(url: str) -> dict[str, Any]:
    """All that a write would have left behind."""
    with postgres.connect(url) as admin:
        tables = admin.execute(
            """
            select schemaname::text, tablename::text from pg_catalog.pg_tables
            where schemaname not in ('pg_catalog', 'information_schema')
            """
        ).fetchall()
        rows = {
            (schema, table): admin.execute(
                sql.SQL(
                    "select count(*), md5(string_agg(r::text || r.xmin::text, ',' order by r.ctid)) from {} as r"
                ).format(sql.Identifier(schema, table))
            ).fetchone()
            for schema, table in tables
        }
        return {
            "catalogue": set(admin.execute(_CATALOGUE.encode()).fetchall()),
            "others": set(admin.execute(_OTHERS.encode()).fetchall()),
            "rows": rows,
        }


def written(url: str) -> dict[str, tuple[int, ...]]:
    """Rows written since statistics began, by table; every session that wrote has ended and told its own."""
    with postgres.connect(url) as admin:
        return {row[0]: tuple(row[1:]) for row in admin.execute(_WRITTEN.encode())}


@pytest.fixture
def quiet(sample: Database) -> Database:
    """The sample without the server's own housekeeping, which would write to the catalogue on its own account."""
    with postgres.connect(sample.admin_url, autocommit=True) as admin:
        for table in postgres.SOURCE_TABLES:
            admin.execute(
                sql.SQL("alter table {} set (autovacuum_enabled = off)").format(sql.Identifier("public", table))
            )
        admin.execute("vacuum analyze")
    return sample


@pytest.fixture
def reader(quiet: Database, server: Server) -> Iterator[str]:
    """The URL of a role that may read the tables, whatever the policies say, and nothing else."""
    name = f"reader_{secrets.token_hex(4)}"
    role = sql.Identifier(name)
    with postgres.connect(quiet.admin_url, autocommit=True) as admin:
        password = secrets.token_hex(8)
        admin.execute(sql.SQL("create role {} login bypassrls password {}").format(role, sql.Literal(password)))
        admin.execute(sql.SQL("grant usage on schema public, auth to {}").format(role))
        admin.execute(sql.SQL("grant select on all tables in schema public, auth to {}").format(role))
    try:
        yield make_conninfo(quiet.url, user=name, password=password)
    finally:
        with postgres.connect(quiet.admin_url, autocommit=True) as admin:
            admin.execute(sql.SQL("drop owned by {}").format(role))
            admin.execute(sql.SQL("drop role {}").format(role))


def everything_before_the_night(settings: Settings, *, rehearse: bool) -> str:
    workflow.snapshot("new", settings=settings)
    workflow.assess(settings=settings)
    try:
        workflow.dry_run(rehearse=rehearse, settings=settings)
        return workflow.decide(approved_by="Tess Ter", settings=settings).verdict
    finally:
        embedded.stop(settings.workspace)


@pytest.mark.parametrize("rehearse", [False, True])
def test_an_owner_writes_nothing_before_the_night(quiet: Database, tmp_path: Path, rehearse: bool) -> None:
    settings = settings_for(quiet, tmp_path)
    before, counted = fingerprint(quiet.admin_url), written(quiet.admin_url)
    assert everything_before_the_night(settings, rehearse=rehearse) == "GO"
    assert fingerprint(quiet.admin_url) == before
    assert written(quiet.admin_url) == counted


def test_a_role_that_may_only_read_is_enough_to_assess_and_rehearse_and_is_a_no_go(
    quiet: Database, reader: str, tmp_path: Path
) -> None:
    settings = settings_for(quiet, tmp_path).model_copy(update={"database_url": SecretStr(reader)})
    before, counted = fingerprint(quiet.admin_url), written(quiet.admin_url)
    assert everything_before_the_night(settings, rehearse=True) == "NO_GO"
    assert fingerprint(quiet.admin_url) == before
    assert written(quiet.admin_url) == counted
