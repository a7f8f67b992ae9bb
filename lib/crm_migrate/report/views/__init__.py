"""What each saved stage says, as a value: verdict, reasons, figures, tables. How it looks is the templates' matter.

A view takes the stage's saved document, so that a notebook and a page made later from the files say the same.
"""

from __future__ import annotations

from collections.abc import Callable

from crm_migrate.report.parts import Badge, View
from crm_migrate.report.saved import Facts
from crm_migrate.report.views import (
    assess,
    dictionary,
    execute,
    explain,
    monitor,
    profile,
    rehearsal,
    simulate,
    usage,
    verify,
)
from crm_migrate.report.views.base import clock
from crm_migrate.report.views.execute import forecast
from crm_migrate.report.views.profile import failing

__all__ = ["clock", "failing", "forecast", "of"]

_VIEWS: dict[str, Callable[[Facts], View]] = {
    "snapshot": assess.snapshot,
    "profile": profile.profile,
    "checks": profile.checks,
    "completeness": profile.completeness,
    "assessment": assess.assessment,
    "simulation": simulate.simulation,
    "decision": simulate.decision,
    "rehearsal": rehearsal.rehearsal,
    "run": execute.run,
    "sight": monitor.sight,
    "verification": verify.verification,
    "dictionary": dictionary.dictionary,
    "explanation": explain.explanation,
    "usage": usage.usage,
}


def of(stage: str, document: Facts) -> View:
    """The view of a stage by the name of its file; one that has not been saved says so."""
    if not document:
        return _not_yet(stage)
    return _VIEWS[stage](document)


def _not_yet(stage: str) -> View:
    title, hint = {
        "assessment": ("Assessment", "01_assess makes it."),
        "profile": ("Columns", "01_assess looks at them."),
        "checks": ("Checks", "01_assess asks them."),
        "completeness": ("Completeness", "01_assess looks at it."),
        "simulation": ("Dry run", "02_dry_run makes it."),
        "decision": ("Decision", "02_dry_run takes it."),
        "plan": ("Plan", "03_execute shows it."),
        "run": ("Execution", "03_execute with confirm begins it."),
        "verification": ("Verification", "04_verify with confirm makes it, after the execution."),
    }.get(stage, (stage.capitalize(), ""))
    return View(title, Badge("not yet", "quiet"), f"There is nothing yet. {hint}".strip())
