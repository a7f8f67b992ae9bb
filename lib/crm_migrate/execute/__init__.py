"""Execution: the engine that goes through the plan, the state of a run, and what has to hold beforehand (C)."""

from crm_migrate.execute.conditions import require_database, require_no_other
from crm_migrate.execute.engine import CommitMode, phases
from crm_migrate.execute.state import PhaseState, Run, StepState, load, saved_state, state

__all__ = [
    "CommitMode",
    "PhaseState",
    "Run",
    "StepState",
    "load",
    "phases",
    "require_database",
    "require_no_other",
    "saved_state",
    "state",
]
