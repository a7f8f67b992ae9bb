"""The rooms of design.md: a module imports from the rows below its own, never from its own row or above."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import crm_migrate

PACKAGE = Path(crm_migrate.__file__).parent
ROWS = (
    {"lab", "notebook", "cli"},
    {"workflow"},
    {"report", "terminal"},
    {"abort", "detach", "monitor", "window"},
    {"afterwards", "elsewhere", "rehearse", "retention", "wayback"},
    {"night"},
    {"watch"},
    {"execute", "readmit", "verify", "revert"},
    {"spotcheck"},
    {"plan"},
    {"steps"},
    {"archive"},
    {"isolate"},
    {"batches", "backup"},
    {"basis", "diff", "explain", "fixes", "forecast", "gate"},
    {"assess", "profile", "simulate", "preflight", "rehearsal"},
    {"makers", "outcome", "refusals", "shared", "targets"},
    {"aside", "drift", "constraints", "network", "since", "usage"},
    {"snapshot", "checkpoints", "history", "inputs", "rejects", "demo"},
    {"compatibility", "maintenance", "policies", "routines", "throwaway", "space"},
    {"access", "calibration", "checklist", "dictionary", "extract", "oddities", "pooler", "schema", "shapes", "tools"},
    {"postgres", "embedded", "duck", "faults", "mends"},
    {"catalog"},
    {"certificate"},
    {"files", "events", "notices", "personal", "runners", "runs", "settings"},
    {"errors"},
)
MODULES = sorted(
    {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in PACKAGE.rglob("*.py")}
    - {"__init__", "__main__"}
)
NO_DATABASE = {
    "assess",
    "profile",
    "simulate",
    "gate",
    "constraints",
    "duck",
    "drift",
    "explain",
    "fixes",
    "mends",
    "report",
}


def test_every_module_has_a_room() -> None:
    assert set(MODULES) == set().union(*ROWS)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_below(module: str) -> None:
    row = next(number for number, names in enumerate(ROWS) if module in names)
    below = set().union(*ROWS[row + 1 :])
    assert imported(module) - {module} <= below


@pytest.mark.parametrize("module", sorted(NO_DATABASE))
def test_what_works_offline_never_imports_psycopg(module: str) -> None:
    for path in sources(module):
        names = {name.split(".")[0] for name in every_import(path)}
        assert "psycopg" not in names


def sources(module: str) -> list[Path]:
    file = PACKAGE / f"{module}.py"
    return [file] if file.exists() else sorted((PACKAGE / module).rglob("*.py"))


def imported(module: str) -> set[str]:
    """Modules of this package that a module names in an import."""
    names: set[str] = set()
    for path in sources(module):
        for name in every_import(path):
            parts = name.split(".")
            if parts[0] == "crm_migrate" and len(parts) > 1 and parts[1] in MODULES:
                names.add(parts[1])
    return names


def every_import(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found
