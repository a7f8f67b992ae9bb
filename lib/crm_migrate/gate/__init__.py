"""Go or no-go: the decision with every reason, and whether a decision still holds (B4, B5).

`decide` and `check` are pure: the same arguments give the same answer.
"""

from crm_migrate.gate.criteria import Criterion, Evidence, against, of_the_loads
from crm_migrate.gate.decision import FILE, Decision, Fingerprint, Verdict, decide, load, save
from crm_migrate.gate.evidence import Stages, read
from crm_migrate.gate.staleness import check

__all__ = [
    "FILE",
    "Criterion",
    "Decision",
    "Evidence",
    "Fingerprint",
    "Stages",
    "Verdict",
    "against",
    "check",
    "decide",
    "load",
    "of_the_loads",
    "read",
    "save",
]
