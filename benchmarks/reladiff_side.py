"""The side of `verify.py` that runs in an environment with reladiff: seconds and differing keys of two tables, as JSON.

`python reladiff_side.py DATABASE COLUMNS TABLE TABLE`: the database as JSON of psycopg2's arguments, columns by commas.
"""

from __future__ import annotations

import json
import sys
import time

import reladiff


def main() -> None:
    """Compare, and print one line."""
    database, columns, one, other = sys.argv[1:]
    arguments = {"driver": "postgresql", **json.loads(database)}
    started = time.monotonic()
    tables = [reladiff.connect_to_table(arguments, ("public", name), "id") for name in (one, other)]
    rows = list(reladiff.diff_tables(*tables, extra_columns=tuple(columns.split(","))))
    seconds = time.monotonic() - started
    sys.stdout.write(json.dumps({"seconds": seconds, "differing": len({key for _, (key, *_) in rows})}) + "\n")


if __name__ == "__main__":
    main()
