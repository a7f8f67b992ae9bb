"""What a person at a terminal reads: progress lines and tables, built here and printed by the command line."""

from crm_migrate.terminal.after import leftovers, usage
from crm_migrate.terminal.before import assessment, decision, diff, fixes, plan, preflight
from crm_migrate.terminal.monitor import OnOneScreen, sight
from crm_migrate.terminal.night import dictionary, run, verification
from crm_migrate.terminal.parts import duration, facts, sink
from crm_migrate.terminal.predicted import explanation, rehearsal, simulation
from crm_migrate.terminal.wayback import outlook, restored

__all__ = [
    "OnOneScreen",
    "assessment",
    "decision",
    "dictionary",
    "diff",
    "duration",
    "explanation",
    "facts",
    "fixes",
    "leftovers",
    "outlook",
    "plan",
    "preflight",
    "rehearsal",
    "restored",
    "run",
    "sight",
    "simulation",
    "sink",
    "usage",
    "verification",
]
