"""`backup:contacts`: a full copy of a table that changes, named after the UTC time (C2)."""

from __future__ import annotations

from dataclasses import dataclass

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
        """The copy holds exactly the rows that the table had, asked of the server."""
        copy = f"{self.step.subject}_{context.stamp}"
        name = f"{backup.SCHEMA}.{copy}"
        if not postgres.columns(context.connection, name):
            return (Problem(name, "is missing"),)
        if not backup.is_whole(context.connection, copy):
            return (Problem(name, f"does not hold the rows that public.{self.step.subject} had"),)
        return ()
