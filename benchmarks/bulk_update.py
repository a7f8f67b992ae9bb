"""What the rules cost an old client: bulk updates of 100,000 deals before the migration and, through the view, after.

Goal (issue 3): at most five times. Both databases stand on one server and are measured in one run, in turn; each
statement is one transaction of role authenticated. `python benchmarks/bulk_update.py`, part of `make bench`.
"""

from __future__ import annotations

from pipeline import bench, timed
from psycopg import sql

from crm_migrate import demo, embedded, postgres, workflow
from crm_migrate.settings import Settings

DEALS = 100_000
BEFORE = "before_migration"
STATEMENTS = {
    "amount": "update public.deals set amount = amount + 1",
    "whole row unchanged": "update public.deals set name = name, company_id = company_id, stage = stage",
    "stage": "update public.deals set stage = case stage when 'won' then 'lost' else 'won' end",
    "description": "update public.deals set description = 'Nineteen turbines for the new hall, delivered in spring'",
    "company_id": "update public.deals set company_id = (company_id % 1000) + 1 where company_id is not null",
}


def main() -> None:
    """Make a sample, keep a copy of it, migrate it, and run every statement on both."""
    with bench() as settings:
        demo.create(settings, contacts=2 * DEALS)
        copied(settings)
        workflow.snapshot("new", settings=settings)
        workflow.assess(settings=settings)
        workflow.dry_run(settings=settings)
        workflow.decide(approved_by="make bench", settings=settings)
        workflow.execute(confirm=embedded.DATABASE, settings=settings)
        server = embedded.start(settings.workspace)
        print(f"| update of {DEALS:,} deals | before, s | after, s | ratio |\n|---|---|---|---|")
        for name, statement in STATEMENTS.items():
            seconds = [
                updated(url, statement) for url in (server.admin_url(BEFORE), server.admin_url(embedded.DATABASE))
            ]
            print(f"| {name} | {seconds[0]:.2f} | {seconds[1]:.2f} | {seconds[1] / seconds[0]:.1f} |", flush=True)


def copied(settings: Settings) -> None:
    """Keep a copy of the sample as it is now."""
    server = embedded.start(settings.workspace)
    with postgres.connect(server.admin_url(), autocommit=True) as admin:
        admin.execute(
            sql.SQL("create database {} template {}").format(sql.Identifier(BEFORE), sql.Identifier(embedded.DATABASE))
        )


def updated(url: str, statement: str) -> float:
    """Seconds of one statement on tidy tables."""
    with postgres.connect(url, autocommit=True) as connection:
        connection.execute(b"vacuum analyze")
        connection.execute(b"set role authenticated")
        return timed(lambda: connection.execute(statement.encode()))


if __name__ == "__main__":
    main()
