"""Where nights are tried: a server of its own, an evening with an approved decision, and points to begin from.

A try costs a night. So the evening is made once; and a night that is to die late begins with what one left that was
killed a little earlier.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg import sql

from certify import boundaries, translations
from certify.processes import in_child
from crm_migrate import demo, embedded, postgres, workflow
from crm_migrate.demo import database as databases
from crm_migrate.settings import Settings

DATABASE = "crm"
CONTACTS, SEED = 300, 7  # as the tests' sample
_OID = 500_000  # the window notes what it took from the database as a whole by this number
_OF_DATABASE = "select datacl::text, datconnlimit from pg_catalog.pg_database where datname = %s"


@dataclass(frozen=True, slots=True)
class Bench:
    """A server and a folder that one try after the other uses.

    Attributes:
        folder: `server`, and `run` with what a night reads and writes, and a copy of both for each start.
    """

    folder: Path
    server: embedded.Server

    @property
    def run(self) -> Path:
        """Workspace and reports of the night; decisions name their folders, so it is always the same one."""
        return self.folder / "run"

    @property
    def settings(self) -> Settings:
        """Nobody waits, and no clock decides anything: small batches are given with each call, and stay as they are."""
        return Settings(
            database_url=self.server.url(DATABASE),
            workspace=self.run / "work",
            reports=self.run / "reports",
            grace_seconds=0,
            batch_seconds=600,
        )

    def admin(self) -> psycopg.Connection[Any]:
        """A superuser's session that is not counted."""
        return psycopg.connect(self.server.admin_url(), autocommit=True)

    def inside(self) -> psycopg.Connection[Any]:
        """The same, in the night's database."""
        return psycopg.connect(self.server.admin_url(DATABASE), autocommit=True)


@contextmanager
def opened(folder: Path) -> Iterator[Bench]:
    """Start the server, fill the sample, take a run to its approved decision; stop the server at the end."""
    workspace = folder / "server"
    server = embedded.start(workspace)
    try:
        with psycopg.connect(server.admin_url(), autocommit=True) as admin:
            admin.execute("alter system set fsync = off")  # processes die here, the machine does not
            admin.execute("alter system set autovacuum = off")  # whatever is committed is to be the night's
        embedded.stop(workspace)
        server = embedded.start(workspace)
        bench = Bench(folder, server)
        with postgres.connect(server.admin_url()) as admin:
            databases.make_roles(admin)
        with bench.admin() as admin:
            admin.execute(f"create database {DATABASE} owner crm_owner oid {_OID}".encode())
        demo.fill(server.url(DATABASE), contacts=CONTACTS, seed=SEED)
        translations.remember()
        translations.learn(in_child(lambda: _evening(bench)).value)
        keep(bench, "evening")
        yield bench
    finally:
        embedded.stop(workspace)


def _evening(bench: Bench) -> translations.Memo:
    settings = bench.settings
    workflow.snapshot("new", settings=settings)
    workflow.assess(settings=settings)
    workflow.dry_run(settings=settings)
    decision = workflow.decide(approved_by="make certify", settings=settings)
    assert decision.verdict == "GO", decision.reasons
    return translations.known()


def keep(bench: Bench, start: str) -> None:
    """Keep the database and the run's folder as they are now, to begin from."""
    kept = f"{DATABASE}_{start}"
    with bench.admin() as admin:
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(kept)))
        _copy(admin, DATABASE, kept, "")
    shutil.rmtree(bench.folder / start, ignore_errors=True)
    shutil.copytree(bench.run, bench.folder / start)


def begin(bench: Bench, start: str) -> None:
    """Put database and folder back to what was kept."""
    with bench.admin() as admin:
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(DATABASE)))
        _copy(admin, f"{DATABASE}_{start}", DATABASE, f"oid {_OID}")
    shutil.rmtree(bench.run, ignore_errors=True)
    shutil.copytree(bench.folder / start, bench.run)


def _copy(admin: psycopg.Connection[Any], of: str, name: str, oid: str) -> None:
    """A template gives everything but what belongs to the database as a whole: who may connect, and how many."""
    admin.execute(
        sql.SQL("create database {} template {} owner crm_owner {}").format(
            sql.Identifier(name), sql.Identifier(of), sql.SQL(oid)
        )
    )
    admin.execute("checkpoint")  # a copied sequence has no log of its own before one: a crash would set it back
    rights, limit = admin.execute(_OF_DATABASE, [of]).fetchone() or (None, -1)
    admin.execute(
        "update pg_catalog.pg_database set datacl = %s::aclitem[], datconnlimit = %s where datname = %s",
        [rights, limit, name],
    )
    admin.execute(
        """
        insert into pg_catalog.pg_db_role_setting (setdatabase, setrole, setconfig)
        select made.oid, settings.setrole, settings.setconfig
        from pg_catalog.pg_db_role_setting as settings
        inner join pg_catalog.pg_database as source on source.oid = settings.setdatabase and source.datname = %s
        cross join pg_catalog.pg_database as made
        where made.datname = %s
        """,
        [of, name],
    )


def restart(bench: Bench) -> None:
    """Let the server crash, all of its processes at once, and start it again: it recovers from its log."""
    postmaster = psutil.Process(int((bench.server.folder / "postmaster.pid").read_text().split("\n", 1)[0]))
    processes = [postmaster, *postmaster.children(recursive=True)]
    for process in processes:
        process.suspend()  # so that none of them notices, and tidies up
    for process in processes:
        process.kill()
    psutil.wait_procs(processes, timeout=10)
    embedded.start(bench.folder / "server")


def server_version() -> str:
    """The version of the server that comes along, such as 18.4."""
    said = subprocess.run([embedded.bin_folder() / "postgres", "--version"], capture_output=True, text=True, check=True)
    return said.stdout.split()[2]


def end_session(bench: Bench, backend: int) -> None:
    """Terminate a backend from another session, and wait until it is gone."""
    with boundaries.unseen(), bench.admin() as admin:
        admin.execute("select pg_terminate_backend(%s, 5000)", [backend])


def no_fsync() -> None:
    """For a process that may die on a machine that does not."""
    os.fsync = lambda _file: None
