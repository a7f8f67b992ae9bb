"""The same ten checks, complete results, by us and by Great Expectations in an environment of its own (issue 4).

Both read the same snapshot's Parquet files of 100,000 contacts with planted dirt, in one run. Goal: ten times faster.
`python benchmarks/compare_great_expectations.py`, part of `make bench`; needs PyPI.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline import bench, timed

from crm_migrate import assess, catalog, demo, events, inputs, snapshot, workflow

CONTACTS = 100_000
PACKAGES = ("great_expectations==1.24.1", "pandas==3.1.1", "pyarrow==26.0.1")
CHECKS = {
    "contacts.unknown_company",
    "contacts.unknown_gender",
    "contacts.unknown_status",
    "contacts.invalid_linkedin_url",
    "deals.unknown_company",
    "deals.unknown_stage",
    "deals.negative_amount",
    "tasks.unknown_contact",
    "tasks.unknown_type",
    "contactNotes.blank_text",
}


def main() -> None:
    """Make a dirty sample, check it both ways, print the seconds and what each found."""
    with bench() as settings, tempfile.TemporaryDirectory() as place:
        demo.create(settings, contacts=CONTACTS, dirt=0.02)
        taken = workflow.snapshot("new", settings=settings)
        known = catalog.load()
        ten = replace(known, checks=tuple(check for check in known.checks if check.name in CHECKS), questions=())
        given = inputs.load(known.root / "mappings", None, options={"link_deal_contacts": False})
        found: list[assess.Assessment] = []
        ours = timed(
            lambda: found.append(
                assess.assess(taken, ten, given, out=Path(place), scratch=Path(place), emit=events.silent)
            )
        )
        theirs = by_great_expectations(taken)
        print("| ten checks, 100,000 contacts | seconds |\n|---|---|")
        print(f"| crm-migrate, reading included | {ours:.2f} |")
        print(f"| Great Expectations, reading included | {theirs['read'] + theirs['validated']:.2f} |")
        print(f"| ratio | {(theirs['read'] + theirs['validated']) / ours:.0f} |\n")
        failing = {check.check: check.failing for check in found[0].checks if check.check in CHECKS}
        print("| check | we found | they found |\n|---|---|---|")
        for name in sorted(CHECKS):
            print(f"| {name} | {failing[name]:,} | {theirs['failing'][name]:,} |")


def by_great_expectations(taken: snapshot.Snapshot) -> Mapping[str, Any]:
    """What great_expectations_side.py prints; its environment is made and removed here, and not counted."""
    place = Path(tempfile.mkdtemp(prefix="crm-bench-gx-"))
    try:
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        python = place / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        side = Path(__file__).with_name("great_expectations_side.py")
        done = subprocess.run([python, side, taken.folder], check=True, capture_output=True, text=True)
        answer: Mapping[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer
    finally:
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
