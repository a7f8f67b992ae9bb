"""PostgreSQL's own programs: which pg_dump or pg_restore fits a server, and how to hand it a session's secrets."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Conninfo

from crm_migrate import embedded
from crm_migrate.runners import application_name

_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/pgsql/bin",
)
_SECRET = frozenset({"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"})


def find(name: str, *, server_version: int) -> Path | None:
    """The program of the server's own major version, else of the next newer one; an older one refuses the server.

    Looks beside the embedded server, along PATH, and where the usual packages put PostgreSQL.

    Args:
        server_version: `server_version_num`, 150018 for 15.18.
    """
    wanted = server_version // 10_000
    fitting = [(found, path) for path in _candidates(name) if (found := major(path)) is not None and found >= wanted]
    return min(fitting, key=lambda candidate: candidate[0])[1] if fitting else None


def session_of(url: str) -> tuple[list[str], dict[str, str]]:
    """How a program of PostgreSQL gets the session of `url`: arguments, and the environment to run it in.

    What has an environment variable goes there, the password above all: arguments are there for everybody to read.

    Returns:
        Arguments to append (never a secret), and a copy of this process's environment with the session's settings.
    """
    variables = {option.keyword.decode(): option.envvar.decode() for option in Conninfo.get_defaults() if option.envvar}
    environment = dict(os.environ) | {"PGAPPNAME": application_name("tool")}
    rest: dict[str, str] = {}
    for keyword, value in conninfo_to_dict(url).items():
        if value is None:
            continue
        if keyword in variables:
            environment[variables[keyword]] = str(value)
        elif keyword not in _SECRET:
            rest[keyword] = str(value)
    return (["--dbname", make_conninfo("", **rest)] if rest else []), environment


def _candidates(name: str) -> Iterator[Path]:
    yield embedded.bin_folder() / name
    if (found := shutil.which(name)) is not None:
        yield Path(found)
    for place in _PLACES:
        yield from sorted(Path("/").glob(f"{place[1:]}/{name}"))


@cache
def major(path: Path) -> int | None:
    """The major version of one of PostgreSQL's programs; None for what does not run."""
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", said)
    return None if match is None else int(match[1])
