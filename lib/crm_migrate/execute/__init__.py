"""Execution: the engine that goes through the plan, the state of a run, and what has to hold beforehand (C)."""

from crm_migrate.execute.causes import stopped
from crm_migrate.execute.conditions import require_database, require_no_other, require_no_runner
from crm_migrate.execute.engine import CommitMode, OnFailure, keep, phases
from crm_migrate.execute.resume import require_intact
from crm_migrate.execute.state import PhaseState, Run, StepState, load, saved, saved_state, state

__all__ = [
    "CommitMode",
    "OnFailure",
    "PhaseState",
    "Run",
    "StepState",
    "keep",
    "load",
    "phases",
    "require_database",
    "require_intact",
    "require_no_other",
    "require_no_runner",
    "saved",
    "saved_state",
    "state",
    "stopped",
]
