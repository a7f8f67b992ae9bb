"""`backup:contacts`: a full copy of a table that changes, named after the UTC time (C2)."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from crm_migrate import backup, history, postgres
from crm_migrate.catalog import Step
from crm_migrate.steps import Context, Problem


@dataclass(frozen=True, slots=True)
class BackupStep:
    """One copied table."""

    step: Step
    phase: str
    irreversible: str = ""

    @property
    def why(self) -> str:
        """The same for every table."""
        return f"The rows of {self.step.subject} as they were, kept for 90 days."

    def apply(self, context: Context) -> None:
        """Copy the table, with its record."""
        with context.connection.transaction():
            rows = backup.copy_table(context.connection, self.step.subject, context.stamp)
            history.record(
                context.connection,
                context.run_id,
                self.phase,
                self.step.name,
                "completed",
                rows_done=rows,
                rows_total=rows,
            )

    def revert(self, context: Context) -> None:
        """Keep the copy: original data stays 90 days, and `cleanup` removes it (E3)."""
        with context.connection.transaction():
            history.record(context.connection, context.run_id, self.phase, self.step.name, "reverted")

    def verify(self, context: Context) -> tuple[Problem, ...]:
        """The copy has as many rows as were copied."""
        name = f"migration_backup.{self.step.subject}_{context.stamp}"
        found = history.steps(context.connection, context.run_id).get((self.phase, self.step.name))
        if found is None or not postgres.columns(context.connection, name):
            return (Problem(name, "is missing"),)
        row = context.connection.execute(
            sql.SQL("select count(*) from {}").format(postgres.table_name(name))
        ).fetchone()
        assert row is not None
        return () if row[0] == found.rows_done else (Problem(name, f"holds {row[0]} rows, not {found.rows_done}"),)
