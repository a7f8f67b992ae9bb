"""Restore the rows of a dump for trial and count them, without a server: each goes by once and is kept nowhere (C2)."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from crm_migrate.errors import Stopped

TRY_AGAIN = "Nothing was changed; look at the disk, then run the same command again."
_COPY = re.compile(rb'COPY public\."?(?P<table>[^".]+?)"? \(.*\) FROM stdin;\n')
_END = b"\\.\n"


def require(program: Path, archive: Path, counted: Mapping[str, int]) -> None:
    """Check that an archive holds as many rows of each table of schema public as were counted.

    Raises:
        Stopped: it does not; says of which.
    """
    found = rows(program, archive, tuple(counted))
    wrong = [
        f"{found.get(table, 0):,} of {number:,} rows of {table}"
        for table, number in counted.items()
        if found.get(table) != number
    ]
    if wrong:
        raise Stopped(f"the dump is not whole: a trial restore found {', '.join(wrong)}", hint=TRY_AGAIN)


def rows(program: Path, archive: Path, tables: Sequence[str]) -> dict[str, int]:
    """Read the data of tables of schema public back, as a restore would, and count the rows of each.

    Memory stays flat, time grows with the archive; nothing is written.

    Raises:
        Stopped: the archive cannot be read back to its end.
    """
    command = [str(program), "--data-only", "--schema=public", *(f"--table={table}" for table in tables), "--file=-"]
    found: dict[str, int] = {}
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen([*command, str(archive)], stdout=subprocess.PIPE, stderr=said) as running,
    ):
        assert running.stdout is not None
        for line in running.stdout:
            begun = _COPY.fullmatch(line)
            if begun is None:
                continue
            count = 0
            for row in running.stdout:
                if row == _END:
                    break
                count += 1
            found[begun["table"].decode()] = count
        if running.wait():
            said.seek(0)
            reason = (said.read().decode(errors="replace").strip().splitlines() or ["no reason given"])[-1]
            raise Stopped(f"the dump cannot be read back: {reason}", hint=TRY_AGAIN)
    return found
