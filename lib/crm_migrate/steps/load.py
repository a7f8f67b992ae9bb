"""`load:contact_organizations`: run a model in batches, each with its checkpoint (C4, C5, C6)."""

from __future__ import annotations

import time
from dataclasses import dataclass

from psycopg import sql

from crm_migrate import batches, history, postgres
from crm_migrate.catalog import Model, Step
from crm_migrate.errors import StepFailed
from crm_migrate.events import Event
from crm_migrate.steps import Context, Problem


@dataclass(frozen=True, slots=True)
class LoadStep:
    """The rows of one model."""

    step: Step
    phase: str
    model: Model
    irreversible: str = ""

    @property
    def why(self) -> str:
        """As its model says."""
        return self.model.why

    def apply(self, context: Context) -> None:
        """Go on behind the last committed batch until no driving row is left.

        Raises:
            StepFailed: more rows were rejected than the settings allow; batches so far are committed.
        """
        connection = context.connection
        earlier = history.steps(connection, context.run_id).get((self.phase, self.step.name))
        resumed = earlier is not None and earlier.status in ("running", "failed")
        cursor = earlier.cursor_key if resumed and earlier and earlier.cursor_key is not None else batches.BEFORE_ALL
        done = before = earlier.rows_done if resumed and earlier else 0
        rejected = len(history.rejects(connection, context.run_id).get(self.step.name, ()))
        total = batches.count(connection, self.model)
        move = batches.prepare(connection, self.model)
        started = time.monotonic()
        while True:
            window = batches.next_window(connection, self.model, cursor, context.settings.batch_size)
            if window is None:
                break
            rejected = self._batch(context, move, window, done, total, rejected)
            cursor, done = window.high, done + window.rows
            context.emit(
                Event(
                    "progress",
                    self.step.name,
                    f"{done:,} of {total:,} source rows, {rejected:,} rejected",
                    rows_done=done - before,
                    rows_total=max(total - before, done - before),
                    seconds=time.monotonic() - started,
                )
            )
            context.between()
        with connection.transaction():
            connection.execute(sql.SQL("analyze {}").format(postgres.table_name(self.model.target)))
            history.record(
                connection,
                context.run_id,
                self.phase,
                self.step.name,
                "completed",
                rows_done=done,
                rows_total=total,
                cursor_key=cursor if done else None,
            )

    def _batch(
        self, context: Context, move: batches.Move, window: batches.Window, done: int, total: int, before: int
    ) -> int:
        """One transaction; returns all rejects so far. Too many, and it leaves no trace: the next call does it anew."""

        def work() -> int:
            with context.connection.transaction(), batches.triggers_at_rest(context.connection, self.model):
                rejected = before + batches.move(
                    context.connection, move, window, run_id=context.run_id, step=self.step.name
                )
                self._stop_if_too_many(context, rejected, total, window.low, done)
                history.record(
                    context.connection,
                    context.run_id,
                    self.phase,
                    self.step.name,
                    "running",
                    rows_done=done + window.rows,
                    rows_total=total,
                    cursor_key=window.high,
                )
                return rejected

        return postgres.retried(
            work,
            tries=context.settings.retries,
            said=lambda message: context.emit(Event("retry", self.step.name, message)),
        )

    def _stop_if_too_many(self, context: Context, rejected: int, total: int, cursor: int, done: int) -> None:
        settings = context.settings
        if rejected > settings.reject_rows or rejected > max(1, total) * settings.reject_ratio:
            causes = "; ".join(history.reject_causes(context.connection, context.run_id, self.step.name))
            raise StepFailed(
                self.phase,
                self.step.name,
                cursor_key=None if cursor == batches.BEFORE_ALL else cursor,
                rows_done=done,
                reason=f"{rejected:,} rows were rejected, more than reject_rows and reject_ratio allow ({causes})",
            )

    def revert(self, context: Context) -> None:
        """Remove inserted rows; what an update filled goes with its columns.

        The table has no key any more, and where a publication is for all tables, PostgreSQL deletes nothing from it.
        """
        with context.connection.transaction():
            if self.model.mode == "insert":
                context.connection.execute(sql.SQL("truncate {}").format(postgres.table_name(self.model.target)))
            history.forget_rejects(context.connection, context.run_id, self.step.name)
            history.record(context.connection, context.run_id, self.phase, self.step.name, "reverted")

    def verify(self, context: Context) -> tuple[Problem, ...]:
        """Every driving row went through a batch; what came of it is compared with the prediction elsewhere (D3)."""
        found = history.steps(context.connection, context.run_id).get((self.phase, self.step.name))
        if found is None or found.status != "completed":
            return (Problem(self.step.name, "is not complete"),)
        if found.rows_done != found.rows_total:
            return (Problem(self.step.name, f"went through {found.rows_done} of {found.rows_total} source rows"),)
        return ()
