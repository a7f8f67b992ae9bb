"""Which process a session with the database belongs to: written into its application name, and read from there (C7).

`crm-migrate execute 1234@db-host`: every role may see it in pg_stat_activity, whoever's session it is.
"""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass
from datetime import UTC, datetime

APPLICATION = "crm-migrate"
_LONGEST = 63  # bytes that PostgreSQL keeps of a name
_NAME = re.compile(rf"{APPLICATION} (?P<purpose>\S+) (?P<process>\d+)@(?P<host>\S+)")


@dataclass(frozen=True, slots=True)
class Runner:
    """A process of ours.

    Attributes:
        process: its id on its own machine.
        host: that machine's name, cut where it was too long.
    """

    purpose: str
    process: int
    host: str

    def of_same_process(self, other: Runner) -> bool:
        """Whether both are one process; a host's name may be cut in one of them."""
        shorter, longer = sorted((self.host, other.host), key=len)
        return self.process == other.process and longer.startswith(shorter)


@dataclass(frozen=True, slots=True)
class Holder:
    """The session that holds the migration's lock.

    Attributes:
        pid: of its backend, on the server.
        client: from where it comes.
        since: when it began; None where it belongs to a role that this one may not look at.
    """

    pid: int
    application: str
    client: str
    since: datetime | None

    def __str__(self) -> str:
        """Who it is, since when and from where, as part of a sentence."""
        since = "" if self.since is None else f", since {self.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        runner = runner_of(self.application)
        if runner is None:
            return f"session {self.pid} ({self.application or 'unnamed'}) from {self.client}{since}"
        of_process = f"`{APPLICATION} {runner.purpose}`, process {runner.process} on host {runner.host}"
        return f"{of_process}{since} (session {self.pid} from {self.client})"


def application_name(purpose: str) -> str:
    """How a session of this process is called; a long host name is cut, never the process."""
    name = f"{APPLICATION} {purpose or 'session'} {os.getpid()}@{socket.gethostname()}"
    return name.encode()[:_LONGEST].decode(errors="ignore")


def runner_of(application: str) -> Runner | None:
    """The process that a session belongs to, or None where it is not ours."""
    found = _NAME.fullmatch(application)
    return None if found is None else Runner(found["purpose"], int(found["process"]), found["host"])
