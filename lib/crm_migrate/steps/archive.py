"""`archive:changes`: what users wrote into what goes; the way back keeps it, the next migration brings it back (E1)."""

from __future__ import annotations

from dataclasses import dataclass

from crm_migrate import archive, history
from crm_migrate.catalog import Step
from crm_migrate.events import Event
from crm_migrate.steps import Context, Problem


@dataclass(frozen=True, slots=True)
class ArchiveStep:
    """The last step there and the first one back: everything that it is about stands whole."""

    step: Step
    phase: str
    irreversible: str = ""

    @property
    def why(self) -> str:
        """The same for every run."""
        return "What users wrote before an earlier way back comes back; taken back, it is archived again."

    def apply(self, context: Context) -> None:
        """Bring back what waits in the archive; what does not fit any more stays there, and is told of."""
        connection = context.connection
        with connection.transaction():
            back = archive.bring_back(connection, context.run_id)
            history.record(connection, context.run_id, self.phase, self.step.name, "completed", rows_done=back.rows)
        if back.rows:
            context.emit(Event("note", self.step.name, f"{back.rows:,} archived rows are back"))
        for reason, rows in back.left:
            context.emit(Event("warning", self.step.name, f"{rows:,} archived rows, wholly or in part: {reason}"))

    def revert(self, context: Context) -> None:
        """Archive it, before the first table goes, in one transaction."""
        connection = context.connection
        with connection.transaction():
            rows = archive.keep(connection, context.catalog, context.run_id)
            history.record(connection, context.run_id, self.phase, self.step.name, "reverted")
        if rows:
            context.emit(Event("note", self.step.name, f"{rows:,} rows are archived in schema migration_archive"))

    def verify(self, context: Context) -> tuple[Problem, ...]:
        """Whatever waits has been tried; what stays says why."""
        found = history.steps(context.connection, context.run_id).get((self.phase, self.step.name))
        if found is None or found.status != "completed":
            return (Problem(self.step.name, "is not complete"),)
        row = context.connection.execute(
            """
            select count(*) from migration_archive.rows
            where returned_at is null and reason is null and operation <> 'REFERENCE'
            """
        ).fetchone()
        return () if row == (0,) else (Problem("migration_archive.rows", "holds rows that nobody tried to bring back"),)
