"""`load:contact_organizations`: run a model in batches, each with its checkpoint (C4, C5, C6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from psycopg import sql
from psycopg.pq import TransactionStatus

from crm_migrate import batches, checkpoints, history, isolate, postgres
from crm_migrate.catalog import Model, Step
from crm_migrate.checkpoints import Batch
from crm_migrate.errors import StepFailed
from crm_migrate.events import Event
from crm_migrate.steps import Context, Problem

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Load:
    """Where a load stands when a call begins with it; done and rejected are driving rows, without a cursor at first."""

    move: batches.Move
    total: int
    cursor: int | None
    done: int
    rejected: int


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
        load = self._retried(context, lambda: self._begun(context))
        cursor, done, rejected = load.cursor, load.done, load.rejected
        started, size = context.clock(), context.settings.batch_size
        while (moved := self._batch(context, load, cursor, size, done, rejected)) is not None:
            cursor, done, rejected = moved.high, done + moved.rows, rejected + moved.rejected
            context.emit(
                Event(
                    "progress",
                    self.step.name,
                    f"{done:,} of {load.total:,} source rows, {rejected:,} rejected",
                    rows_done=done - load.done,
                    rows_total=max(load.total, done) - load.done,
                    seconds=context.clock() - started,
                    rejected=rejected,
                )
            )
            size = self._next_size(context, size, moved.seconds)
            context.between()
        self._retried(context, lambda: self._end(context, load, done, cursor))

    def _begun(self, context: Context) -> _Load:
        connection = context.connection
        with context.transaction(self.step):
            begun = history.start(connection, context.run_id, self.phase, self.step.name)
            return _Load(
                move=batches.prepare(connection, self.model),
                total=batches.count(connection, self.model),
                cursor=begun.cursor_key,
                done=begun.rows_done,
                rejected=len(history.rejects(connection, context.run_id).get(self.step.name, ())),
            )

    def _batch(
        self, context: Context, load: _Load, cursor: int | None, size: int, done: int, rejected: int
    ) -> Batch | None:
        """One transaction; None where no driving row is left behind the cursor.

        Too many rejects, and it leaves no trace: the next call does it anew.
        """

        def work() -> Batch | None:
            connection, begun = context.connection, context.clock()
            with context.transaction(self.step):
                window = batches.next_window(connection, self.model, cursor, size)
                if window is None:
                    return None
                with batches.triggers_at_rest(connection, self.model):
                    new = isolate.move(connection, load.move, window, run_id=context.run_id, step=self.step.name)
                self._stop_if_too_many(context, rejected + new, load.total, window.low, done)
                history.record(
                    connection,
                    context.run_id,
                    self.phase,
                    self.step.name,
                    "running",
                    rows_done=done + window.rows,
                    rows_total=load.total,
                    cursor_key=window.high,
                )
                seconds = context.clock() - begun
                batch = Batch(self.phase, self.step.name, window.low, window.high, window.rows, new, seconds)
                checkpoints.add(connection, context.run_id, batch)
            return batch

        return self._retried(context, work)

    def _end(self, context: Context, load: _Load, done: int, cursor: int | None) -> None:
        """What later models and the application plan by are statistics; new tables get theirs with their keys, once."""
        with context.transaction(self.step):
            if self.model.mode == "update":
                context.connection.execute(load.move.analysis())
            history.record(
                context.connection,
                context.run_id,
                self.phase,
                self.step.name,
                "completed",
                rows_done=done,
                rows_total=load.total,
                cursor_key=cursor,
            )

    def _retried(self, context: Context, work: Callable[[], T]) -> T:
        """Each batch has its own tries; the engine tries a load no second time."""
        return postgres.retried(
            work,
            tries=context.settings.retries,
            said=lambda message: context.emit(Event("retry", self.step.name, message)),
        )

    def _next_size(self, context: Context, size: int, held: float) -> int:
        """Adapt, where a batch is a transaction: within a larger one its locks are held to the end of that anyway."""
        if context.connection.info.transaction_status != TransactionStatus.IDLE:
            return size
        limit, largest = context.settings.batch_seconds, context.settings.batch_size
        adapted = batches.next_size(size, held, limit=limit, largest=largest)
        if adapted != size:
            why = f"the last one held its locks for {held:.1f} s, where batch_seconds is {limit:g}"
            context.emit(Event("note", self.step.name, f"batches of {adapted:,} rows from here on: {why}"))
        return adapted

    def compare(self, context: Context, batch: Batch) -> batches.Differences:
        """Compare the target with what a finished batch brought in; reads only."""
        rejected = history.rejects(context.connection, context.run_id).get(self.step.name, ())
        return batches.differences(
            context.connection,
            batches.prepare(context.connection, self.model),
            batches.Window(batch.low, batch.high, batch.rows),
            rejected=[int(key) for key in rejected],
        )

    def _stop_if_too_many(self, context: Context, rejected: int, total: int, cursor: int | None, done: int) -> None:
        if rejected > self._allowed(context, total):
            causes = "; ".join(history.reject_causes(context.connection, context.run_id, self.step.name))
            raise StepFailed(
                self.phase,
                self.step.name,
                cursor_key=cursor,
                rows_done=done,
                reason=f"{rejected:,} rows were rejected, more than reject_rows and reject_ratio allow ({causes})",
            )

    def _allowed(self, context: Context, total: int) -> int:
        return min(context.settings.reject_rows, int(max(1, total) * context.settings.reject_ratio))

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
            return (
                Problem(
                    self.step.name,
                    f"went through {found.rows_done} of {found.rows_total} source rows",
                    f"Rows of {self.model.driver} came or went midway. Bring back what went, or remove what came, and "
                    "run the same command again; or take the run back: `crm-migrate abort --confirm DATABASE`.",
                ),
            )
        return ()
