"""The night's story, told once: lock, pre-flight, gate, close, final snapshot, backup, phases, verify, open (idea 9).

Until the first change, whatever goes wrong ends with the window open and the database as it was. From then on the
window stays closed until the run is verified, or taken back.
"""

from crm_migrate.night import window
from crm_migrate.night.session import context, ends, enter, kept, session, watched
from crm_migrate.night.story import execute_plan, verified
from crm_migrate.night.value import FINAL, Night, fingerprint_of

__all__ = [
    "FINAL",
    "Night",
    "context",
    "ends",
    "enter",
    "execute_plan",
    "fingerprint_of",
    "kept",
    "session",
    "verified",
    "watched",
    "window",
]
