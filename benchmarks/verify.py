"""What verification costs: beside raw COPY of the same tables, and beside reladiff on contacts and its copy (issue 6).

Goals: at most twice the COPY, at most 1 GB, faster than reladiff on equal tables, five times where 1 % of the rows
differ. `python benchmarks/verify.py [CONTACTS]`, part of `make bench`; needs PyPI.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from pipeline import bench, peak, timed
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from crm_migrate import demo, duck, embedded, postgres, workflow
from crm_migrate.extract import extract
from crm_migrate.since import Written
from crm_migrate.verify import LEGACY, rows

PACKAGES = ("reladiff==0.6.0", "psycopg2-binary==2.9.11")
COLUMNS = (
    "first_name",
    "last_name",
    "gender",
    "title",
    "background",
    "first_seen",
    "last_seen",
    "status",
    "company_id",
)


def main(contacts: int) -> None:
    """Migrate a sample, verify it, read it raw; then compare two tables both ways; print two tables."""
    with bench() as settings:
        demo.create(settings, contacts=contacts)
        url = embedded.start(settings.workspace).url()
        workflow.snapshot("new", settings=settings)
        workflow.assess(settings=settings)
        workflow.dry_run(settings=settings)
        workflow.decide(approved_by="bench", settings=settings)
        workflow.execute(confirm=embedded.DATABASE, settings=settings)
        found: list[Any] = []
        verified = timed(lambda: found.append(workflow.verify(settings=settings)))
        memory = peak()
        relations = [name.removesuffix(LEGACY) for name in found[0].compared]
        raw = timed(lambda: copy_all(url, relations))
        print(f"| verification, {contacts:,} contacts, verified: {found[0].ok} | |\n|---|---|")
        print(f"| verification, s | {verified:.1f} |\n| raw binary COPY of the tables compared, s | {raw:.1f} |")
        print(f"| ratio | {verified / raw:.1f} |\n| memory, all stages, MB | {memory:.0f} |\n")
        against_reladiff(url, settings.workspace)


def copy_all(url: str, relations: list[str]) -> None:
    """Read each relation as COPY gives it, and throw it away."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for relation in relations:
            query = sql.SQL("copy (select * from {}) to stdout (format binary)").format(
                sql.Identifier("public", relation)
            )
            with cursor.copy(query) as copying:
                for _ in copying:
                    pass


def against_reladiff(url: str, workspace: Path) -> None:
    """Contacts and its copy, equal and with one row in a hundred changed."""
    place = Path(tempfile.mkdtemp(prefix="crm-bench-reladiff-"))
    try:
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        python = place / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        with postgres.connect(url, autocommit=True) as owner:
            owner.execute("create table public.contacts_copy as select * from public.contacts")
            owner.execute("alter table public.contacts_copy add primary key (id)")
            owner.execute("analyze public.contacts_copy")
            print(
                "| contacts and its copy | crm-migrate, s | reladiff, s | ratio | rows found |\n|---|---|---|---|---|"
            )
            for label in ("equal", "1 % differ"):
                if label != "equal":
                    owner.execute("update public.contacts_copy set title = title || '!' where id % 100 = 0")
                differing: list[int] = []
                ours = timed(partial(count, url, workspace, differing))
                theirs = by_reladiff(python, url)
                numbers = f"{differing[0]:,} / {theirs['differing']:,}"
                print(
                    f"| {label} | {ours:.1f} | {theirs['seconds']:.1f} | {theirs['seconds'] / ours:.1f} | {numbers} |"
                )
    finally:
        shutil.rmtree(place, ignore_errors=True)


def count(url: str, workspace: Path, differing: list[int]) -> None:
    """Both tables read and compared as verification does it; notes how many rows differ."""
    with tempfile.TemporaryDirectory(dir=workspace) as folder, duck.session("", scratch=Path(folder)) as session:
        listed = ", ".join(("id", *COLUMNS))
        files = [Path(folder) / f"{name}.parquet" for name in ("contacts", "contacts_copy")]
        for file in files:
            extract(url, f"select {listed} from public.{file.stem}", file)
        pair = rows.Pair("contacts", ("id", *COLUMNS), "public.contacts_copy", ("id",), files[0])
        saved, made = (Path(folder) / name / "contacts.parquet" for name in ("differing", "made_as"))
        differing.append(rows.compare_files(session, pair, files[1], Written(), saved, made))


def by_reladiff(python: Path, url: str) -> Mapping[str, Any]:
    """What reladiff_side.py prints."""
    given = conninfo_to_dict(url)
    arguments = {
        "database": given.pop("dbname"),
        **{name: given[name] for name in ("user", "password", "host", "port") if name in given},
    }
    side = Path(__file__).with_name("reladiff_side.py")
    command = [str(python), str(side), json.dumps(arguments), ",".join(COLUMNS), "contacts", "contacts_copy"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer: Mapping[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
