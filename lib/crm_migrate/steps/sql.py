"""`sql:10_tables`: run a file, its revert, its verify."""

from __future__ import annotations

from dataclasses import dataclass

from crm_migrate import history
from crm_migrate.catalog import SqlFiles, Step
from crm_migrate.steps import Context, Problem


@dataclass(frozen=True, slots=True)
class SqlStep:
    """A schema change in three files."""

    step: Step
    phase: str
    files: SqlFiles
    irreversible: str = ""

    @property
    def why(self) -> str:
        """As its apply file says."""
        return self.files.why

    def apply(self, context: Context) -> None:
        """Run the apply file in one transaction with its history."""
        with context.connection.transaction():
            context.connection.execute(self.files.apply.encode())
            history.record(context.connection, context.run_id, self.phase, self.step.name, "completed")

    def revert(self, context: Context) -> None:
        """Run the revert file in one transaction with its history."""
        with context.connection.transaction():
            context.connection.execute(self.files.revert.encode())
            history.record(context.connection, context.run_id, self.phase, self.step.name, "reverted")

    def verify(self, context: Context) -> tuple[Problem, ...]:
        """Run the verify file; each of its rows is a problem."""
        rows = context.connection.execute(self.files.verify.encode()).fetchall()
        return tuple(Problem(str(name), str(problem)) for name, problem in rows)
