"""What each stage of a run was made with, so that a decision is not taken on stages that no longer fit (B5)."""

from __future__ import annotations

from pathlib import Path

from crm_migrate import files
from crm_migrate.catalog import Catalog
from crm_migrate.errors import StaleInput
from crm_migrate.inputs import Inputs

_FILE = "basis.json"
_AGAIN = "Remove it, then run assess and dry-run again."
_MEANING = {
    "sql": "other files under sql/",
    "inputs": "other input files or mappings",
    "options": "other settings of what is migrated",
}


def note(folder: Path, stage: str, catalog: Catalog, given: Inputs) -> None:
    """Write down what a stage was made with."""
    files.write_json(folder / _FILE, {**_read(folder), stage: _of(catalog, given)})


def require(folder: Path, catalog: Catalog, given: Inputs) -> None:
    """Check that every stage was made with what is there now.

    Raises:
        StaleInput: names the stage, and what is different.
        DamagedFile: what was noted cannot be read.
    """
    now = _of(catalog, given)
    stale = [
        f"{stage} was made with {' and '.join(_MEANING[part] for part in now if made.get(part) != now[part])}"
        for stage, made in _read(folder).items()
        if made != now
    ]
    if stale:
        raise StaleInput("; ".join(stale), hint="Run assess and dry-run again, then decide.")


def require_inputs_of_night(folder: Path, catalog: Catalog, given: Inputs) -> None:
    """Check that the analyst's files and options are still those with which the dry run was made.

    Verification, also that of a night which goes on, works records out anew from them: with others it would call rows
    wrong that are right.

    Raises:
        StaleInput: they are not.
        DamagedFile: what was noted cannot be read.
    """
    made, now = _read(folder).get("the dry run"), _of(catalog, given)
    changed = [_MEANING[part] for part in ("inputs", "options") if made is not None and made.get(part) != now[part]]
    if changed:
        raise StaleInput(
            f"the night was run with {' and '.join(changed)} than there are now",
            hint="Bring back those of that night, or point CRM_MIGRATE_INPUTS at a copy of them, and run "
            "the same command again.",
        )


def _read(folder: Path) -> dict[str, dict[str, str]]:
    try:
        return files.read_value(folder / _FILE, dict[str, dict[str, str]], hint=_AGAIN)
    except FileNotFoundError:
        return {}


def _of(catalog: Catalog, given: Inputs) -> dict[str, str]:
    return {"sql": catalog.fingerprint, "inputs": given.fingerprint, "options": str(given.tables["options"].rows)}
