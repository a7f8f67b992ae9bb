"""How fast a server is, measured on the spot by reading only: the same small work everywhere, as a unit of time.

The migration's own rates are told in these units: a slow server gets a long forecast, a fast one a short one.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from crm_migrate.postgres import Connection

_TIMES = 5
_ROUND_TRIPS = 20
# what a load does with a row, without writing it: build a document, cut text, hash, sort
_UNIT = """
    select count(*) from (
        select row_number() over (order by md5(number::text)) as place, left(document ->> 'text', 200) as text
        from (
            select number, jsonb_build_object('number', number, 'text', repeat(md5(number::text), 4)) as document
            from generate_series(1, 5000) as number
        ) as documents
    ) as rows
    where place > 0 and length(text) > 0
"""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The speed of one server.

    Attributes:
        unit_seconds: the unit of work, the fastest of several: what else the server did meanwhile is no part of it.
        round_trip_seconds: a question and its answer over the connection.
    """

    unit_seconds: float
    round_trip_seconds: float


def measure(connection: Connection) -> Calibration:
    """Measure for well under a second; writes nothing, needs no right to any table."""
    with connection.transaction():
        connection.execute("set local max_parallel_workers_per_gather = 0")
        unit = min(_seconds(connection, _UNIT) for _ in range(_TIMES))
        trip = statistics.median(_seconds(connection, "select 1") for _ in range(_ROUND_TRIPS))
    return Calibration(round(unit, 6), round(trip, 6))


def _seconds(connection: Connection, query: str) -> float:
    started = time.monotonic()
    connection.execute(query.encode()).fetchall()
    return time.monotonic() - started
