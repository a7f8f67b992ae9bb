"""A PostgreSQL 15 of Debian's, on loopback with passwords: a server that is not the embedded one."""

from __future__ import annotations

import getpass
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from conftest import Database
from crm_migrate import embedded, postgres
from crm_migrate.demo import database as databases
from crm_migrate.postgres import API_ROLES

BIN = Path("/usr/lib/postgresql/15/bin")


@dataclass(frozen=True, slots=True)
class OtherServer:
    """Where it listens, and who may do everything there."""

    port: int
    password: str

    def url(self, database: str, role: str = "postgres", password: str | None = None) -> str:
        return make_conninfo(
            host="127.0.0.1", port=self.port, dbname=database, user=role, password=password or self.password
        )


@pytest.fixture(scope="session")
def server15() -> Iterator[OtherServer]:
    """Starts the server and stops it; skips where it is not installed, fails where CI forgot to install it."""
    if not (BIN / "initdb").exists():
        reason = "PostgreSQL 15 is not installed (Debian's package postgresql-15)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    with _running() as server:
        yield server


@pytest.fixture
def owned15(server15: OtherServer) -> Iterator[tuple[str, str]]:
    """A fresh database there and a role that owns it and nothing else: (name, URL)."""
    name, password = f"crm_{secrets.token_hex(6)}", secrets.token_hex(8)
    with postgres.connect(server15.url("postgres"), autocommit=True) as admin:
        role = sql.Identifier(f"{name}_owner")
        admin.execute(sql.SQL("create role {} login password {}").format(role, password))
        admin.execute(sql.SQL("create database {} owner {}").format(sql.Identifier(name), role))
        try:
            yield name, server15.url(name, f"{name}_owner", password)
        finally:
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
            admin.execute(sql.SQL("drop role {}").format(role))


@pytest.fixture(scope="module")
def supabase15(server15: OtherServer) -> Iterator[OtherServer]:
    """The same server while it has the roles of Supabase, and the owner of the demo, who is no superuser."""
    roles = (*API_ROLES, "authenticator", embedded.OWNER)
    with postgres.connect(server15.url("postgres")) as maker:
        databases.make_roles(maker)
    with postgres.connect(server15.url("postgres"), autocommit=True) as admin:
        admin.execute(
            sql.SQL("alter role {} password {}").format(sql.Identifier(embedded.OWNER), sql.Literal(server15.password))
        )
        try:
            yield server15
        finally:
            for role in roles:
                admin.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


@contextmanager
def scratch_database15(server: OtherServer, *, template: str = "template0") -> Iterator[Database]:
    """A database of the demo's owner on that server, dropped at the end whoever is in it."""
    name = f"crm_{secrets.token_hex(6)}"
    with postgres.connect(server.url("postgres"), autocommit=True) as admin:
        admin.execute(
            sql.SQL("create database {} template {} owner {}").format(
                sql.Identifier(name), sql.Identifier(template), sql.Identifier(embedded.OWNER)
            )
        )
        try:
            yield Database(name, server.url(name, embedded.OWNER), server.url(name))
        finally:
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@contextmanager
def _running() -> Iterator[OtherServer]:
    """PostgreSQL refuses to run as root; root lets the user of Debian's package do it."""
    folder = Path(tempfile.mkdtemp(prefix="pg15-"))
    user = "postgres" if os.geteuid() == 0 else getpass.getuser()
    if os.geteuid() == 0:
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    server = OtherServer(_free_port(), secrets.token_hex(16))
    secret = folder / "password"
    secret.write_text(server.password)
    secret.chmod(0o644)
    data = folder / "data"

    def tool(name: str, *arguments: str) -> None:
        subprocess.run(
            [BIN / name, *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            user=user if os.geteuid() == 0 else None,
        )

    tool("initdb", "-D", str(data), "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={secret}", "-N")
    options = (
        f"-p {server.port} -c listen_addresses=127.0.0.1 -c fsync=off -c jit=off -c unix_socket_directories={folder}"
    )
    try:
        tool("pg_ctl", "-D", str(data), "-w", "-o", options, "-l", str(folder / "log"), "start")
        yield server
    finally:
        tool("pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
